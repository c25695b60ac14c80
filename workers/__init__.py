"""Everything that does work: answering, documents in, permissions in, the `ken` command."""
