"""What a worker holds in its memory to find candidates; whether they may be read, SQL decides."""
