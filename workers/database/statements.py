"""SQL that is put together from named parts of our own. Values are bound, never put in here."""

from sqlalchemy import TextClause, text


def statement(words: str, **parts: str) -> TextClause:
    """The statement with each `{name}` replaced by the part of that name."""
    for name, part in parts.items():
        words = words.replace(f"{{{name}}}", part)
    return text(words)
