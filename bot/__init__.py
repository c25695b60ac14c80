"""Slack's face: what Slack sends becomes questions and errands for the workers."""
