"""One request of a signed-in administrator: who it is, and what was sent, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.admin.fields import LARGEST
from workers.admin.page.sessions import SignedIn
from workers.admin.problems import NotFound
from workers.database.sessions import Database

NOTHING = "There is nothing here. It may have been removed, or you may not see it."
PAGE_SIZE = 50
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Visit:
    database: Database
    admin: SignedIn
    path: str
    """Below the page's address: `/jobs/7`."""
    parameters: Mapping[str, Any]
    """Of the path."""
    query: Mapping[str, str]
    form: Mapping[str, str]

    @property
    def id(self) -> int:
        """The id in the path. Raises NotFound for one that no row can have."""
        return _id(str(self.parameters["id"]))

    @property
    def after(self) -> int:
        """Where the page of a list begins: after this id; 0 for the first page."""
        written = self.query.get("after", "")
        return _id(written) if written else 0

    def asked(self, name: str) -> str:
        """Return a field of the query, or "" without it. Raises NotFound if nothing is so named."""
        return _text(self.query.get(name, ""))

    def sent(self, name: str) -> str:
        """Return a field of the form. Raises NotFound if it is missing, or nothing is so named."""
        found = _text(self.form.get(name, ""))
        if not found:
            raise NotFound(NOTHING)
        return found

    def sent_id(self, name: str) -> int:
        """Return an id of the form. Raises NotFound for one that no row can have."""
        return _id(self.sent(name))


def _id(written: str) -> int:
    if not (written.isascii() and written.isdigit()) or len(written) > len(str(LARGEST)):
        raise NotFound(NOTHING)
    if not 1 <= int(written) <= LARGEST:
        raise NotFound(NOTHING)
    return int(written)


def _text(written: str) -> str:
    """PostgreSQL stores neither NUL nor halves of surrogate pairs."""
    if len(written) > _LONGEST or "\x00" in written or not _is_unicode(written):
        raise NotFound(NOTHING)
    return written


def _is_unicode(written: str) -> bool:
    return written == written.encode("utf-8", "replace").decode()
