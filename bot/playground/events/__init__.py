"""What the playground sends to Ken: events, interactions, and their payloads."""
