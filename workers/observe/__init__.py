"""Logs, metrics, traces, and the places where a test may stop a process."""
