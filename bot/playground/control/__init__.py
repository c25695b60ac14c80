"""Orders of tests and the page: acting people, channels, faults, and what a person sees."""
