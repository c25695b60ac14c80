"""Zip archives, which most office formats are: opened within limits, and the XML in them."""

import io
import zipfile
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from workers.ingest.formats.document import (
    ENCRYPTED,
    OTHER_FORMAT,
    UNPACKS_TOO_LARGE,
    About,
    DocumentUnreadable,
    time_said,
)

_MOST_MEMBERS = 10_000
_MOST_UNPACKED = 200_000_000
_ALWAYS_UNPACKED = 10_000_000
_HIGHEST_RATIO = 100
_OLE = b"\xd0\xcf\x11\xe0"
"""How old office files begin, and new ones with a password."""


def opened(content: bytes) -> zipfile.ZipFile:
    """An archive that is not a bomb: zipfile unpacks at most what a member declares."""
    if content.startswith(_OLE) and "EncryptedPackage".encode("utf-16-le") in content:
        raise DocumentUnreadable(ENCRYPTED)
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise DocumentUnreadable(OTHER_FORMAT)
    archive = zipfile.ZipFile(io.BytesIO(content))
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    most = min(_MOST_UNPACKED, _ALWAYS_UNPACKED + _HIGHEST_RATIO * len(content))
    if len(members) > _MOST_MEMBERS or unpacked > most:
        raise DocumentUnreadable(UNPACKS_TOO_LARGE)
    return archive


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Raises DocumentUnreadable if a password is needed."""
    found = archive.getinfo(name)
    if found.flag_bits & 1:
        raise DocumentUnreadable(ENCRYPTED)
    return archive.read(found)


def parsed_xml(content: bytes) -> Any:
    """The root. Opens no entity and no link; libxml2 refuses what is nested too deep."""
    return etree.fromstring(
        content, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    )


def local_name(element: Any) -> str:
    """Without its namespace; empty for comments and references to entities."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def value_of(element: Any, name: str) -> str:
    """An attribute, whatever its namespace."""
    return next((v for key, v in element.items() if key.rpartition("}")[2] == name), "")


def note_properties(archive: zipfile.ZipFile, about: About) -> None:
    """Title and time of change, where Office (docProps) or OpenDocument (meta.xml) keeps them."""
    for name in ("docProps/core.xml", "meta.xml"):
        if name not in archive.NameToInfo:
            continue
        root = parsed_xml(member(archive, name))
        said = {local_name(one): (one.text or "").strip() for one in root.iter()}
        about.titles.append(said.get("title", ""))
        about.updated_at = time_said(said.get("modified") or said.get("date") or "")
