"""The admin API: identities, permission syncs, the index, the audit, and explained decisions."""
