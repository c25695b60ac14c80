"""Our own Slack, for tests and for trying, with a page in front of it."""
