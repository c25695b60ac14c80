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
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import unquote

from pydantic import TypeAdapter

from workers.embedded.process import bare_environment
from workers.errors import ServerUnavailable
from workers.ingest.formats.document import (
    _NO_LETTER,
    EMPTY,
    ENCRYPTED,
    ENCRYPTED_PDF,
    NO_DOCX,
    NO_TEXT,
    OTHER_FORMAT,
    TOO_DEEP,
    TOO_MANY,
    UNKNOWN_FORMAT,
    UNPACKS_TOO_LARGE,
    About,
    Block,
    Caption,
    DocumentUnreadable,
    Format,
    Heading,
    Paragraph,
    Question,
    as_text,
    clean,
    not_read,
    shown,
    tidy,
)
from workers.ingest.formats.suffixes import FORMATS, suffix_of

TOO_MUCH_MEMORY = "needed too much memory"
STOPPED = "the parser stopped"
MEMORY_EXIT = 77
"""How a child ends that ran out of memory: it cannot be sure of anything else."""

FILE, MARKDOWN, CONTENT = b"F", b"M", b"C"
"""What a request to a child is: the path of a file, a text, or a file's name and bytes."""
_DOCUMENTS_PER_CHILD = 200  # memory in pieces is given back with the process
_START_S = 60
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a document says, as blocks. The title is not repeated at the start of the text."""

    title: str
    blocks: tuple[Block, ...]
    updated_at: datetime | None
    """When the document itself says that it was last changed; aware."""
    missing: str = ""
    """What of it was not read, and why; empty if it was read to its end."""

    def __post_init__(self) -> None:
        if not self.title.strip() or not self.blocks:
            raise ValueError("a document has a title and a text")
        if _NO_LETTER.search(self.title) or any(tidy(block) != block for block in self.blocks):
            raise ValueError("text is cleaned before it is kept")
        if self.updated_at and not self.updated_at.tzinfo:
            raise ValueError("time is aware")
        if self.missing and not _MISSING.fullmatch(self.missing):
            raise ValueError("what is missing is described in fixed words")

    @property
    def text(self) -> str:
        return as_text(self.blocks)

    @property
    def pages(self) -> tuple[str, ...]:
        """Page 1 first, some perhaps empty; of a document without pages one."""
        numbers = range(self.blocks[0].page and 1, self.blocks[-1].page + 1)
        return tuple(as_text(one for one in self.blocks if one.page == page) for page in numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one document may cost."""

    file_bytes: int = 20_000_000
    text_bytes: int = 5_000_000
    """Of the text in UTF-8; a longer one is read up to here."""
    memory_bytes: int = 1 << 30
    """Address space above what a fresh child has (on Linux; elsewhere nothing limits it)."""
    seconds: float = 60
    """Of processor time, however busy the machine is; read up to here, too, as far as pages or
    other parts come one by one."""


DEFAULT_LIMITS = Limits()
_WAIT = 20
"""How many times its processor time a document may take by the wall clock; then it hangs."""


_OF_DATA = (Format.JSON, Format.YAML, Format.TOML)
"""Their headings are keys of objects: none is a title."""


def parse_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> Parsed:
    """The text of a file, read in this process: nothing ends a reader that hangs, see `Parser`.

    Raises DocumentUnreadable, and MemoryError where there is none left.
    """
    form = check(path, limit_bytes=limits.file_bytes)
    try:
        with path.open("rb") as file:
            content = file.read(limits.file_bytes + 1)
    except OSError:
        raise DocumentUnreadable("cannot be opened") from None
    return _parsed_as(form, path, content, limits)


def parse_content(name: str, content: bytes, limits: Limits = DEFAULT_LIMITS) -> Parsed:
    """The text of a file that came as bytes, with its name. As `parse_file`."""
    path = Path(name)
    form = _format_of(path)
    if not content:
        raise DocumentUnreadable(EMPTY)
    return _parsed_as(form, path, content, limits)


def _parsed_as(form: Format, path: Path, content: bytes, limits: Limits) -> Parsed:
    if len(content) > limits.file_bytes:
        raise DocumentUnreadable(too_large(len(content), limits.file_bytes))
    blocks, about = _read(form, content, limits, path.name)
    if not blocks:
        raise DocumentUnreadable(EMPTY)
    first = "" if form in _OF_DATA else _first_heading(blocks)
    titles = (*about.titles, first, _readable_name(path))
    title = next(filter(None, map(_sensible, titles)), "") or _number_of(path) or "Untitled"
    return Parsed(title, _without_title(blocks, title), about.updated_at, about.missing)


def parse_markdown(text: str, limits: Limits = DEFAULT_LIMITS) -> Parsed:
    """Text that came without a file, as Markdown; its title is elsewhere. As `parse_file`."""
    blocks, about = _read(Format.MARKDOWN, text.encode("utf-8", "replace"), limits)
    if not blocks:
        raise DocumentUnreadable(EMPTY)
    return Parsed("Untitled", tuple(blocks), about.updated_at, about.missing)


def _read(
    form: Format, content: bytes, limits: Limits, name: str = ""
) -> tuple[list[Block], About]:
    """The blocks up to a limit. What was read before a fault or a limit is kept, and what is
    missing is said."""
    from workers.ingest.formats.readers import READERS  # noqa: PLC0415 - a child's libraries
    from workers.ingest.formats.text import begins_answer  # noqa: PLC0415

    about = About(name=name)
    blocks: list[Block] = []
    size, end = 0, time.process_time() + 0.8 * limits.seconds
    why = ""
    try:
        for block in READERS[form](content, about):
            if (tidied := tidy(block)) is None:
                continue
            if isinstance(tidied, Paragraph) and blocks and _asks(blocks[-1]):
                answer = tidy(replace(tidied, text=begins_answer(tidied.text)))
                tidied = answer or tidied  # "A: ***" says nothing behind its mark
            size += len(shown(tidied).encode())
            if size > limits.text_bytes or time.process_time() > end:
                is_long = size > limits.text_bytes
                why = too_much_text(limits.text_bytes) if is_long else _too_slow(limits)
                break
            blocks.append(tidied)
    except (DocumentUnreadable, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - the libraries raise anything, and quote the document
        why = _damaged(form)
    if why and not blocks:
        raise DocumentUnreadable(why)
    if why:
        last = blocks[-1].page
        has_pages = last and about.pages > last
        what = f"pages {last + 1} to {about.pages} were" if has_pages else "the rest was"
        about.missing = "; ".join(filter(None, (about.missing, not_read(what, why))))
    return blocks, about


def _asks(block: Block) -> bool:
    return isinstance(block, Question) or (isinstance(block, Heading) and block.text[-1:] == "?")


def check(path: Path, *, limit_bytes: int) -> Format:
    """The format of a file that is worth opening; raises DocumentUnreadable."""
    form = _format_of(path)
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
    return form


def _format_of(path: Path) -> Format:
    suffix = suffix_of(path.name)
    if suffix not in FORMATS:
        raise DocumentUnreadable(f"{UNKNOWN_FORMAT} ({suffix or 'no suffix'})")
    return FORMATS[suffix]


def inside(root: Path, path: Path) -> bool:
    """Whether `path` is in the folder `root` once every link is followed."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a loop of links
        return False


class Parser:
    """Reads files in one child, started when needed and replaced when a file breaks it."""

    command: ClassVar[Sequence[str]] = [sys.executable, "-sm", "workers.ingest.sandbox"]

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
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
        check(path, limit_bytes=self.limits.file_bytes)
        return self._parsed(FILE + os.fsencode(path.absolute()))

    def parse_markdown(self, text: str) -> Parsed:
        """Text that came without a file; its title is elsewhere. Raises as `parse` does."""
        return self._parsed(MARKDOWN + text.encode("utf-8", "replace"))

    def parse_content(self, name: str, content: bytes) -> Parsed:
        """The text of a file that came as bytes. Raises as `parse` does.

        What cannot be read by its name or size never reaches the child.
        """
        _format_of(Path(name))
        if len(content) > self.limits.file_bytes:
            raise DocumentUnreadable(too_large(len(content), self.limits.file_bytes))
        named = name.encode("utf-8", "replace")
        return self._parsed(CONTENT + len(named).to_bytes(2, "big") + named + content)

    def _parsed(self, request: bytes) -> Parsed:
        with self._lock:
            reply = self._ask(request)
        if isinstance(reply, str):
            raise DocumentUnreadable(reply)
        return reply

    def close(self) -> None:
        if self._child:
            self._child.stop()
            self._child = None

    def _ask(self, request: bytes) -> Parsed | str:
        child = self._working_child()
        is_fresh = not child.asked
        try:
            return _understood(child.ask(request), self.limits)
        except DocumentUnreadable as error:
            self.close()
            if is_fresh or error.reason not in (STOPPED, TOO_MUCH_MEMORY):
                raise
        return self._ask(
            request
        )  # it may have been a document before this one that broke the child

    def _working_child(self) -> "_Child":
        if self._child and self._child.is_worn:
            self.close()
        if not self._child:
            self._child = _Child(self.command, self.limits)
        return self._child


class _Child:
    """One process of `sandbox`: a path or a text goes in, JSON comes out, each after its length."""

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

    def ask(self, request: bytes) -> bytes:
        self.asked += 1
        patience = _WAIT * self._limits.seconds + 10
        deadline = time.monotonic() + patience
        try:
            self._socket.settimeout(patience)
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
        if size > 8 * self._limits.text_bytes + 1_000_000:  # with column names, in JSON
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
        if code in (-signal.SIGPROF, -signal.SIGXCPU):
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
    [EMPTY, NO_TEXT, ENCRYPTED, ENCRYPTED_PDF, NO_DOCX, OTHER_FORMAT, TOO_DEEP, UNPACKS_TOO_LARGE]
    + ["cannot be opened"]
    + [_damaged(form) for form in Format]
)


_WHY = "|".join(map(re.escape, sorted({*_REASONS, TOO_MANY, UNKNOWN_FORMAT})))
_PART_MISSING = (
    r"(?:pages \d+ to \d+ were|the rest was|\d+ (?:page|file|sheet|part)(?: was|s were))"
    rf" not read: (?:{_WHY}|more text than [\d.]+ MB|took longer than [\d.]+ s)"
)
_MISSING = re.compile(rf"{_PART_MISSING}(?:; {_PART_MISSING}){{0,9}}")
_BLOCKS: TypeAdapter[tuple[Block, ...]] = TypeAdapter(tuple[Block, ...])


def as_json(parsed: Parsed) -> bytes:
    """As a child tells it."""
    return b"\n".join(
        (
            json.dumps(
                {
                    "title": parsed.title,
                    "updated_at": parsed.updated_at.isoformat() if parsed.updated_at else None,
                    "missing": parsed.missing,
                }
            ).encode(),
            _BLOCKS.dump_json(parsed.blocks),
        )
    )


def _understood(reply: bytes, limits: Limits) -> Parsed | str:
    """A document, or why there is none. A document may have taken the child over, so that
    anything but what it should say raises DocumentUnreadable."""
    try:
        about, _, blocks = reply.partition(b"\n")
        match json.loads(about):
            case {"reason": str(reason)} if reason in _REASONS | _reasons_of(limits):
                return reason
            case {
                "title": str(title),
                "updated_at": None | str() as updated,
                "missing": str(missing),
            }:
                return Parsed(
                    title,
                    _BLOCKS.validate_json(blocks, strict=True),
                    datetime.fromisoformat(updated) if updated else None,
                    missing,
                )
    except (ValueError, RecursionError):
        pass
    raise DocumentUnreadable(STOPPED)


def _reasons_of(limits: Limits) -> set[str]:
    return {too_much_text(limits.text_bytes), _too_slow(limits)}


_SUFFIXES = "docx?|pdf|html?|txt|md|rtf|odt|indd|qxd|tex|dvi|pptx?|xlsx?|csv|tsv"
_BY_MACHINE = re.compile(
    r"(?i)\(?anonymous\)?|\(?unspecified\)?"
    r"|microsoft (?:word|powerpoint|excel) - .*|untitled.*|(?:word )?document\d*|title|index|home"
    r"|(?:new )?microsoft (?:word|powerpoint|excel) (?:document|presentation|worksheet)"
    r"|powerpoint[ -]pr[eäé]sentation|pr[eé]sentaci?[oó]n (?:de )?powerpoint"
    r"|présentation powerpoint|presentazione (?:standard )?di powerpoint|slide ?\d*|folie ?\d*"
    r"|(?:workbook|book|mappe|sheet|tabelle)\d*|ohne titel.*|unbenannt.*|sans titre.*"
    rf"|.*\.(?:{_SUFFIXES})"
)


def _sensible(title: str) -> str:
    """On one line and not too long; empty where some program wrote it and not a person."""
    title = " ".join(clean(title).split())[:200].strip()
    if _BY_MACHINE.fullmatch(title) or not any(letter.isalpha() for letter in title):
        return ""
    return title


_CAMEL = re.compile(r"[A-Z]?[a-z]{2,}(?:[A-Z][a-z]+){2,}")
"""Three words or more: "GitHub" is one."""


def _readable_name(path: Path) -> str:
    """`parental-leave_DE.md` as "Parental leave DE"; hyphens of dates stay."""
    stem = re.sub(rf"(?i)(?:\.(?:{_SUFFIXES}))+\Z", "", path.stem) or path.stem
    stem = unquote(stem) if "%" in stem else stem
    if not re.search(r"\s", stem):
        stem = re.sub(r"(?<=[^\W\d_])\.(?=\w)|(?<=\w)\.(?=[^\W\d_])", " ", stem)
    if _CAMEL.fullmatch(stem):
        stem = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)
    name = re.sub(r"[_\s]+|(?<!\d)-+|-+(?!\d)", " ", stem).strip()
    return name[:1].upper() + name[1:]


def _number_of(path: Path) -> str:
    """A name that is a date or a number says something, too: "2026-03-02"."""
    name = _readable_name(path)
    return clean(name)[:200] if any(map(str.isdigit, name)) else ""


def _first_heading(blocks: Sequence[Block]) -> str:
    """The title, where the document begins with the only heading of its level."""
    first = next((one for one in blocks if not isinstance(one, Caption)), None)
    if not isinstance(first, Heading):
        return ""
    levels = [one.level for one in blocks if isinstance(one, Heading)]
    return first.text if levels.count(first.level) == 1 and first.level == min(levels) else ""


def _without_title(blocks: Sequence[Block], title: str) -> tuple[Block, ...]:
    """Without the first heading, if that is the title and no other heading is above it."""
    at = next((at for at, one in enumerate(blocks) if isinstance(one, Heading)), 0)
    first = blocks[at]
    is_title = isinstance(first, Heading) and first.text[:200].strip() == title
    if not is_title or len(blocks) == 1:
        return tuple(blocks)
    return (*blocks[:at], *blocks[at + 1 :])
