"""What comes in: stored before it is acknowledged, queued, worked on by one worker at a time."""
