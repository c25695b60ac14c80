"""What a connector is: it lists a source's permissions and documents, and decides nothing.

A connector yields; `crawl.py` compares, stores, deletes and remembers where it was. It may be
called again from any cursor that it gave, after a crash as well, and yields the same documents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from workers.errors import OperatorError
from workers.ingest.pushed import Pushed


class PartRefused(Exception):
    """The source does not let us read this part; the others may be read.

    The message is in words of ours.
    """


Cursor = Mapping[str, Any]
"""Where a pass goes on; JSON, and only the connector reads it."""
Lines = Sequence[Mapping[str, Any]]
"""Lines of a complete push of permissions (docs/sync.md)."""


class SourceRefused(OperatorError):
    """The source does not let us in: a token is wrong, or a permission of it is missing.

    What is stored stays as it was.
    """

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A container whose documents are listed one after the other, such as a channel."""

    id: str
    """The node's id in the source."""
    name: str
    problem: str = ""
    """Why it cannot be read, in words of ours; empty if it can."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents of a part, whole."""

    documents: tuple[Pushed, ...]
    covers: tuple[str, str]
    """Ids from the first up to the second, which is not included: a stored document of the part
    whose id lies between them, and that is not on this page, is gone."""
    cursor: Cursor
    """Where to go on after this page."""


class Connector(Protocol):
    """One source. Every method raises SourceRefused, or ServerUnavailable if it does not answer."""

    @property
    def source(self) -> str:
        """The source's name in Ken."""
        ...

    def parts(self) -> list[Part]:
        """List the containers that are crawled, and those that cannot be read."""
        ...

    def directory(self) -> Iterator[Lines]:
        """Yield all accounts, and the groups that belong to no part.

        It raises rather than end early: a list that ends is complete.
        """
        ...

    def access_of(self, part: Part) -> Lines:
        """Return the container of a part, its groups, and documents with permissions of their own.

        What is mapped is at most what the source allows; a node whose permissions cannot be read
        is `unknown`. It is asked again after each page, so that no text is stored for readers who
        were listed before it was written.
        """
        ...

    def pages(self, part: str, cursor: Cursor | None, *, full: bool) -> Iterator[Page]:
        """Yield the documents of a part, from the cursor on; not `full`: only what may be new.

        It raises rather than end early; PartRefused, if this part alone cannot be read.
        """
        ...
