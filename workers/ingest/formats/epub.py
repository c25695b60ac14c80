"""Electronic books: the pages of their spine, in order, by the HTML reader."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote

from workers.ingest.formats.archive import local_name, member, opened, parsed_xml, value_of
from workers.ingest.formats.document import (
    ENCRYPTED,
    OTHER_FORMAT,
    About,
    Block,
    DocumentUnreadable,
    Heading,
    not_read,
    time_said,
)
from workers.ingest.formats.html import read_html

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_EMPTY_TAG = re.compile(rb"<(?!(?:br|hr|img|meta|link|input|col|wbr)\b)([a-zA-Z]\w*)\b([^<>]*?)/>")


def read_epub(content: bytes, about: About) -> Iterator[Block]:
    """No page of it is fetched from anywhere but the file."""
    with opened(content) as archive:
        package = _package(archive)
        root = parsed_xml(member(archive, package))
        _note_metadata(root, about)
        locked = _locked(archive)
        damaged = 0
        for path in _spine(root, dirname(package)):
            if path in locked:
                raise DocumentUnreadable(ENCRYPTED)
            if path not in archive.NameToInfo:
                damaged += 1
                about.missing = not_read(
                    f"{damaged} {'part was' if damaged == 1 else 'parts were'}", "damaged EPUB"
                )
                continue
            page = _EMPTY_TAG.sub(rb"<\1\2></\1>", member(archive, path))
            for block in read_html(page, About()):
                yield replace(block, anchor="") if isinstance(block, Heading) else block


def _package(archive: zipfile.ZipFile) -> str:
    if _CONTAINER not in archive.NameToInfo:
        raise DocumentUnreadable(OTHER_FORMAT)
    for element in parsed_xml(member(archive, _CONTAINER)).iter():
        if local_name(element) == "rootfile":
            path = value_of(element, "full-path")
            if path in archive.NameToInfo:
                return path
    raise DocumentUnreadable(OTHER_FORMAT)


def _note_metadata(root: Any, about: About) -> None:
    for element in root.iter():
        name, text = local_name(element), (element.text or "").strip()
        if name == "title":
            about.titles.append(text)
        elif name == "meta" and value_of(element, "property") == "dcterms:modified":
            about.updated_at = time_said(text)


@dataclass(frozen=True, slots=True)
class _Page:
    path: str
    is_contents: bool


def _spine(root: Any, folder: str) -> Iterator[str]:
    """The paths of the pages in reading order, without the table of contents."""
    pages: dict[str, _Page] = {}
    for element in root.iter():
        if local_name(element) == "item" and value_of(element, "media-type") in _PAGES:
            path = normpath(join(folder, unquote(value_of(element, "href"))))
            is_contents = "nav" in value_of(element, "properties").split()
            pages[value_of(element, "id")] = _Page(path, is_contents)
    seen: set[str] = set()
    for element in root.iter():
        page = pages.get(value_of(element, "idref")) if local_name(element) == "itemref" else None
        if page and not page.is_contents and page.path not in seen:
            seen.add(page.path)
            yield page.path


def _locked(archive: zipfile.ZipFile) -> set[str]:
    """Pages that a shop has encrypted; fonts often are, and nobody reads those."""
    if _ENCRYPTION not in archive.NameToInfo:
        return set()
    root = parsed_xml(member(archive, _ENCRYPTION))
    return {
        unquote(value_of(element, "URI"))
        for element in root.iter()
        if local_name(element) == "CipherReference"
    }
