"""Files in a file: members of a ZIP, attachments of a mail. Each is a section of the document."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from workers.ingest.formats.archive import opened
from workers.ingest.formats.document import (
    EMPTY,
    ENCRYPTED,
    TOO_MANY,
    UNKNOWN_FORMAT,
    UNPACKS_TOO_LARGE,
    About,
    Block,
    DocumentUnreadable,
    Format,
    Heading,
    not_read,
    one_line,
    tidy,
)
from workers.ingest.formats.suffixes import format_of

Reader = Callable[[bytes, About], Iterator[Block]]

_MOST_FILES = 1_000
_LARGEST = 20_000_000
_LONGEST_NAME = 200
_MOST_REASONS = 5


@dataclass(slots=True)
class Members:
    """Reads files in a file. None of them is a ZIP or a mail: nothing is nested twice."""

    readers: Mapping[Format, Reader]
    about: About
    """Of the document around them."""
    _files: int = 0
    _why_not: Counter[tuple[str, str]] = field(default_factory=Counter)

    def blocks(self, name: str, read: Callable[[], bytes], *, level: int = 1) -> Iterator[Block]:
        """A heading with its name, and its blocks below; nothing if it cannot be read."""
        form = format_of(name)
        if form is None or form not in self.readers:
            self.leave_out(UNKNOWN_FORMAT)
            return
        self._files += 1
        if self._files > _MOST_FILES:
            self.leave_out(TOO_MANY)
            return
        about = About(name=name.rpartition("/")[2])
        is_named = False
        try:
            for block in filter(tidy, self.readers[form](read(), about)):
                if not is_named:
                    is_named = True
                    yield Heading(name[-_LONGEST_NAME:], level)
                yield _within(block, level)
        except DocumentUnreadable as error:
            self.leave_out(error.reason)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - the libraries raise anything, and quote the document
            self.leave_out(f"damaged {form}", "part" if is_named else "file")
        else:
            self._end(about, is_named=is_named)

    def _end(self, about: About, *, is_named: bool) -> None:
        if not is_named:
            self.leave_out(EMPTY)
        elif about.missing:
            self.leave_out(about.missing.rpartition(": ")[2], "part")

    def leave_out(self, reason: str, what: str = "file") -> None:
        """Counts what is not read; `about` says how many, and why."""
        self._why_not[what, reason] += 1
        self.about.missing = "; ".join(
            not_read(f"{count} {what}{' was' if count == 1 else 's were'}", reason)
            for (what, reason), count in self._why_not.most_common(_MOST_REASONS)
        )


def _within(block: Block, level: int) -> Block:
    """Of a section: no page and no anchor of a file in a file can be linked to."""
    if isinstance(block, Heading):
        return replace(block, level=min(block.level + level, 6), anchor="", page=0)
    return replace(block, page=0)


def read_zip(content: bytes, about: About, readers: Mapping[Format, Reader]) -> Iterator[Block]:
    """Each file in it, by its name. Nothing is written: a name that leads out of it is a name."""
    members = Members(readers, about)
    with opened(content) as archive:
        for info in sorted(archive.infolist(), key=lambda one: one.filename):
            name = _shown_name(info.filename)
            if info.is_dir() or not name or _is_hidden(name):
                continue
            if info.flag_bits & 1:
                members.leave_out(ENCRYPTED)
            elif info.file_size > _LARGEST:
                members.leave_out(UNPACKS_TOO_LARGE)
            else:
                yield from members.blocks(name, lambda info=info: archive.read(info))  # type: ignore[misc]


def _shown_name(name: str) -> str:
    parts = name.replace("\\", "/").split("/")
    return one_line("/".join(part for part in parts if part.strip(". ")))


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
