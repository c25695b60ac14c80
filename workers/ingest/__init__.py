"""Documents in: read, parsed, split, embedded and stored with their permissions."""
