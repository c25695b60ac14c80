"""A Slack simulator for tests and demos, with a web page."""
