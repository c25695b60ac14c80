"""Marks a text that people read, so that `make words` puts it into the catalogues.

It stands alone because `ken` imports it at every start, and the catalogues need a library.
"""


def N_(text: str) -> str:
    """Return the text as it is. `gettext` translates it where it is shown."""
    return text
