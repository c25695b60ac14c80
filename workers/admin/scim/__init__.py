"""SCIM 2.0, by which an identity provider brings people and groups."""
