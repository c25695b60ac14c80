"""The `ken` command."""
