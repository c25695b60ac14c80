"""The admin API: identities, syncs, the index, the audit, and explanations of decisions."""
