"""Database sessions by role, the schema's version, and the roles."""
