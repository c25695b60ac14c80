"""What a test or the page orders: people, channels, faults, and what somebody sees."""
