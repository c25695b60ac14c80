"""The base of all tables: how Python types are stored, and how lists of ids are passed."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Enum, Text, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    type_annotation_map = {
        int: BigInteger,
        str: Text,
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        list[int]: ARRAY(BigInteger),
    }


def as_text(kind: type[StrEnum]) -> Enum:
    """Stored as text with a check, so that a migration can add a word without a lock."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        values_callable=lambda words: [word.value for word in words],
        name=kind.__name__.lower(),
        length=16,
    )


def among(column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """Compare the column with these ids, as a single parameter for any number of them."""
    return column == any_(literal([*map(int, ids)], ARRAY(BigInteger)))  # type: ignore[no-any-return]
