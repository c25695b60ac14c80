"""Slack's Web API as Ken uses it, the installations, and their tokens."""
