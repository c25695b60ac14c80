"""Sessions under a role, the schema's version, and the roles."""
