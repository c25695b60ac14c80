"""Builds SQL from named parts of our own. Values are always bound as parameters."""

from sqlalchemy import TextClause, text


def statement(words: str, **parts: str) -> TextClause:
    """Return the statement with each `{name}` replaced by that part."""
    for name, part in parts.items():
        words = words.replace(f"{{{name}}}", part)
    return text(words)
