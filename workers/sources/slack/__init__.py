"""Slack's channels: what is listed, who reads it, and how a thread becomes a document."""
