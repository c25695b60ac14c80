"""Permissions in: pushed, compared with what is stored, and applied unless they look wrong."""
