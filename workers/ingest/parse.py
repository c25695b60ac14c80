"""A file as Markdown, read by a child process that a hostile file may take down alone."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Self

from workers.embedded.process import bare_environment
from workers.errors import ServerUnavailable
from workers.ingest.formats.document import (
    _NO_LETTER,
    ENCRYPTED_PDF,
    NO_DOCX,
    UNPACKS_TOO_LARGE,
    DocumentUnreadable,
    Format,
    clean,
)

EMPTY = "empty"
NO_TEXT = "no text in it (a scan?)"
TOO_MUCH_MEMORY = "needed too much memory"
STOPPED = "the parser stopped"
MEMORY_EXIT = 77
"""How a child ends that ran out of memory: it cannot be sure of anything else."""

_DOCUMENTS_PER_CHILD = 200  # memory in pieces is given back with the process
_START_S = 60
_ROOT = Path(__file__).parents[2]


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        ".md": Format.MARKDOWN,
        ".markdown": Format.MARKDOWN,
        ".html": Format.HTML,
        ".htm": Format.HTML,
        ".txt": Format.TEXT,
        ".text": Format.TEXT,
        ".rst": Format.TEXT,
        ".csv": Format.TABLE,
        ".tsv": Format.TABLE,
        ".pdf": Format.PDF,
        ".docx": Format.DOCX,
    }
)
"""What Ken reads, by suffix in small letters."""
FORMATS_IN_WORDS = "Markdown, HTML, plain text, CSV, PDF or Word"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a document says, as Markdown. The title is not repeated at the start of the text."""

    title: str
    pages: tuple[str, ...]
    """Page 1 of a PDF first, without page numbers and some perhaps empty; else one element."""
    updated_at: datetime | None
    """When the document itself says that it was last changed; aware."""

    def __post_init__(self) -> None:
        if not self.title.strip() or not any(page.strip() for page in self.pages):
            raise ValueError("a document has a title and a text")
        if any(_NO_LETTER.search(text) for text in (self.title, *self.pages)):
            raise ValueError("text is cleaned before it is kept")
        if self.updated_at and not self.updated_at.tzinfo:
            raise ValueError("time is aware")

    @property
    def text(self) -> str:
        return "\n\n".join(page for page in self.pages if page)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one document may cost."""

    file_bytes: int = 20_000_000
    text_bytes: int = 5_000_000
    """Of the text in UTF-8."""
    memory_bytes: int = 1 << 30
    """Address space above what a fresh child has (on Linux; elsewhere nothing limits it)."""
    seconds: float = 20


DEFAULT_LIMITS = Limits()


def parse_file(path: Path, *, limit_bytes: int) -> Parsed:
    """The text of a file, read in this process: time and memory are not limited, see `Parser`.

    Raises DocumentUnreadable, and MemoryError where there is none left.
    """
    from workers.ingest.formats.readers import READERS  # noqa: PLC0415 - only a child loads the libraries

    form = check(path, limit_bytes=limit_bytes)
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError:
        raise DocumentUnreadable("cannot be opened") from None
    if len(content) > limit_bytes:
        raise DocumentUnreadable(too_large(len(content), limit_bytes))
    try:
        draft = READERS[form](content)
    except (DocumentUnreadable, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - the libraries raise anything, and quote the document
        raise DocumentUnreadable(_damaged(form)) from None
    titles = map(_sensible, (*draft.titles, _readable_name(path)))
    title = next(filter(None, titles), "Untitled")
    first, *others = (clean(page).strip("\n") for page in draft.pages)
    pages = (_without_title(first, title), *others)
    if not any(page.strip() for page in pages):
        raise DocumentUnreadable(NO_TEXT if form in (Format.PDF, Format.DOCX) else EMPTY)
    return Parsed(title, pages, draft.updated_at)


def check(path: Path, *, limit_bytes: int) -> Format:
    """The format of a file that is worth opening; raises DocumentUnreadable."""
    suffix = clean(path.suffix.lower())[:20]
    if suffix not in FORMATS:
        raise DocumentUnreadable(f"not a format Ken reads ({suffix or 'no suffix'})")
    try:
        found = path.stat()
    except OSError:
        raise DocumentUnreadable("cannot be opened") from None
    if not stat.S_ISREG(found.st_mode):
        raise DocumentUnreadable("not a file")
    if not found.st_size:
        raise DocumentUnreadable(EMPTY)
    if found.st_size > limit_bytes:
        raise DocumentUnreadable(too_large(found.st_size, limit_bytes))
    return FORMATS[suffix]


def inside(root: Path, path: Path) -> bool:
    """Whether `path` is in the folder `root` once every link is followed."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a loop of links
        return False


class Parser:
    """Reads files in one child, started when needed and replaced when a file breaks it."""

    command: ClassVar[Sequence[str]] = [sys.executable, "-sBm", "workers.ingest.sandbox"]

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def parse(self, path: Path) -> Parsed:
        """The text of a file. Raises DocumentUnreadable; the next file is read all the same.

        Raises ServerUnavailable where no child can be started at all.
        """
        check(path, limit_bytes=self._limits.file_bytes)
        with self._lock:
            reply = self._ask(path)
        if isinstance(reply, str):
            raise DocumentUnreadable(reply)
        return reply

    def close(self) -> None:
        if self._child:
            self._child.stop()
            self._child = None

    def _ask(self, path: Path) -> Parsed | str:
        child = self._working_child()
        is_fresh = not child.asked
        try:
            return _understood(child.ask(path), self._limits)
        except DocumentUnreadable as error:
            self.close()
            if is_fresh or error.reason not in (STOPPED, TOO_MUCH_MEMORY):
                raise
        return self._ask(path)  # it may have been a document before this one that broke the child

    def _working_child(self) -> "_Child":
        if self._child and self._child.is_worn:
            self.close()
        if not self._child:
            self._child = _Child(self.command, self._limits)
        return self._child


class _Child:
    """One process of `sandbox`: a path goes in, JSON comes out, each after its length."""

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self._limits = limits
        self.asked = 0
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*command, json.dumps(asdict(limits))],
                cwd=_ROOT,
                env=bare_environment(),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # libraries quote the document in their warnings
                start_new_session=True,  # Ctrl-C is for us: it may let this document end
            )
        try:
            self._receive(time.monotonic() + _START_S)
        except (EOFError, OSError) as error:
            self.stop()
            raise ServerUnavailable(
                "the process that reads documents cannot be started",
                remedy="Check that Ken is installed completely.",
            ) from error

    @property
    def is_worn(self) -> bool:
        return self.asked >= _DOCUMENTS_PER_CHILD or self._process.poll() is not None

    def ask(self, path: Path) -> bytes:
        self.asked += 1
        deadline = time.monotonic() + self._limits.seconds
        request = os.fsencode(path.absolute())
        try:
            self._socket.settimeout(self._limits.seconds)
            self._socket.sendall(len(request).to_bytes(4, "big") + request)
            return self._receive(deadline)
        except TimeoutError:
            raise DocumentUnreadable(_too_slow(self._limits)) from None
        except (EOFError, OSError):
            raise DocumentUnreadable(self._why_it_ended()) from None

    def stop(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _receive(self, deadline: float) -> bytes:
        size = int.from_bytes(self._receive_exactly(4, deadline), "big")
        if size > 2 * self._limits.text_bytes + 1_000_000:  # JSON escapes at most every letter
            raise DocumentUnreadable(too_much_text(self._limits.text_bytes))
        return self._receive_exactly(size, deadline)

    def _receive_exactly(self, size: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < size:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            part = self._socket.recv(min(size - len(received), 1 << 16))
            if not part:
                raise EOFError
            received += part
        return bytes(received)

    def _why_it_ended(self) -> str:
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return STOPPED
        if code == -signal.SIGXCPU:
            return _too_slow(self._limits)
        return TOO_MUCH_MEMORY if code == MEMORY_EXIT else STOPPED


def too_much_text(limit_bytes: int) -> str:
    return f"more text than {_megabytes(limit_bytes)}"


def too_large(size: int, limit_bytes: int) -> str:
    return f"too large ({_megabytes(size)}, limit {_megabytes(limit_bytes)})"


def _too_slow(limits: Limits) -> str:
    return f"took longer than {limits.seconds:g} s"


def _damaged(form: Format) -> str:
    return f"damaged {form}"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f}".removesuffix(".0") + " MB"


_REASONS = frozenset(
    [EMPTY, NO_TEXT, ENCRYPTED_PDF, NO_DOCX, UNPACKS_TOO_LARGE, "cannot be opened"]
    + [_damaged(form) for form in Format]
)


def _understood(reply: bytes, limits: Limits) -> Parsed | str:
    """A document, or why there is none. A document may have taken the child over, so that
    anything but what it should say raises DocumentUnreadable."""
    try:
        match json.loads(reply):
            case {"reason": str(reason)} if reason in _REASONS | {too_much_text(limits.text_bytes)}:
                return reason
            case {
                "title": str(title),
                "pages": [*pages],
                "updated_at": None | str() as updated,
            } if all(isinstance(page, str) for page in pages):
                return Parsed(
                    title, tuple(pages), datetime.fromisoformat(updated) if updated else None
                )
    except (ValueError, RecursionError):
        pass
    raise DocumentUnreadable(STOPPED)


_BY_MACHINE = re.compile(
    r"(?i)microsoft (?:word|powerpoint) - .*|untitled.*|(?:word )?document\d*|title|index|home"
    r"|.*\.(?:docx?|pdf|html?|txt|md|rtf|odt|indd|qxd|tex|dvi|pptx?|xlsx?)"
)


def _sensible(title: str) -> str:
    """On one line and not too long; empty where some program wrote it and not a person."""
    title = " ".join(clean(title).split())[:200].strip()
    if _BY_MACHINE.fullmatch(title) or not any(letter.isalpha() for letter in title):
        return ""
    return title


def _readable_name(path: Path) -> str:
    """`parental-leave_DE.md` as "Parental leave DE"; hyphens of dates stay."""
    name = re.sub(r"[_\s]+|(?<!\d)-+|-+(?!\d)", " ", path.stem).strip()
    return name[:1].upper() + name[1:]


def _without_title(page: str, title: str) -> str:
    first, _, rest = page.lstrip().partition("\n")
    is_title = " ".join(first.lstrip("#").split()) == title and rest.strip()
    return rest.lstrip("\n") if is_title else page
