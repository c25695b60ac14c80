"""The tables, by subject. The schema is the authorization model with text attached.

All tables are here, beside the rules that guard them: add no table with text elsewhere.
Access data lives on small tables of its own: nothing that decides who may read stands on a row
with a vector index, so a changed membership or folder touches no document and no chunk.
"""
