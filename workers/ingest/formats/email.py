"""E-mail: its subject is the title; what it quotes of others is quotation, attachments follow."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from workers.ingest.formats.document import (
    OTHER_FORMAT,
    About,
    Block,
    Code,
    DocumentUnreadable,
    Format,
    Heading,
    Paragraph,
    Quotation,
    Row,
    in_utc,
    one_line,
)
from workers.ingest.formats.html import read_html
from workers.ingest.formats.members import Members, Reader
from workers.ingest.formats.plain import read_text
from workers.ingest.formats.suffixes import format_of
from workers.ingest.formats.text import decode

_KNOWN = ("from", "to", "subject", "date", "received", "message-id", "mime-version", "return-path")
_PEOPLE = ("From", "To", "Cc")
_MOST_PARTS = 1_000
_MOST_DEPTH = 30
_MOST_PEOPLE = 30
_ORIGINAL = re.compile(
    r"(?m)^[ \t]*(?:-{2,}\s*(?:Original(?:nachricht| Message)|Ursprüngliche Nachricht"
    r"|Forwarded message|Mensaje original|Message d'origine)\s*-{2,}|_{20,})[ \t]*$"
)


def read_email(content: bytes, about: About, readers: Mapping[Format, Reader]) -> Iterator[Block]:
    """From and to whom, the text, and the attachments whose format Ken reads."""
    message = message_from_bytes(content)
    if not any(name in message for name in _KNOWN):
        raise DocumentUnreadable(OTHER_FORMAT)
    about.titles.append(_header(message, "Subject"))
    about.updated_at = _date(message)
    yield Paragraph("\n".join(_envelope(message)))
    parts = list(_parts(message))
    yield from _body(_texts(parts))
    members = Members(readers, about)
    for part in parts:
        if part.get_content_type() == "message/rfc822":
            yield from _attached_message(part)
            continue
        if not (name := _file_name(part)) or _is_inline_picture(part):
            continue
        yield Paragraph(f"Attachment: {name}")
        if format_of(name) in readers:
            yield from members.blocks(name, lambda part=part: _content(part))  # type: ignore[misc]


def _attached_message(part: Message) -> Iterator[Block]:
    """A mail within this one: its text, and only the names of what is attached to it."""
    inner = part.get_payload()
    if not (isinstance(inner, list) and inner and isinstance(inner[0], Message)):
        return
    yield Heading(_header(inner[0], "Subject") or "Attached message")
    yield Paragraph("\n".join(_envelope(inner[0])))
    parts = list(_parts(inner[0]))
    yield from _body(_texts(parts))
    for name in filter(None, map(_file_name, parts)):
        yield Paragraph(f"Attachment: {name}")


# -- what it says above its text ------------------------------------------------------------------


def _envelope(message: Message) -> Iterator[str]:
    for name in _PEOPLE:
        if said := _people(message, name):
            yield f"{name}: {said}"
    if date := message.get("Date"):
        yield f"Date: {one_line(str(date))}"


def _header(message: Message, name: str) -> str:
    return _decoded(str(message.get(name, "")))


def _decoded(header: str) -> str:
    """Words of a header, whatever charset they say they are in."""
    try:
        parts = decode_header(header[:10_000])
    except (HeaderParseError, ValueError):
        return one_line(header[:10_000])
    said = (
        part if isinstance(part, str) else decode(part, charset or "") for part, charset in parts
    )
    return one_line("".join(said))


def _people(message: Message, name: str) -> str:
    headers = [str(header)[:10_000] for header in message.get_all(name, [])]
    found = [
        f"{shown} <{address}>" if (shown := _decoded(given)) else address
        for given, address in getaddresses(headers)
        if given or address
    ]
    more = len(found) - _MOST_PEOPLE
    return ", ".join([*found[:_MOST_PEOPLE], *([f"and {more} more"] if more > 0 else [])])


def _date(message: Message) -> datetime | None:
    try:
        return in_utc(parsedate_to_datetime(str(message.get("Date", ""))))
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


# -- its parts -----------------------------------------------------------------------------------


def _parts(message: Message) -> Iterator[Message]:
    """All parts that hold something, in their order; a message within it is not opened up."""
    waiting = [(message, 0)]
    seen = 0
    while waiting and seen < _MOST_PARTS:
        part, depth = waiting.pop()
        seen += 1
        if part.get_content_maintype() != "multipart":
            yield part
        elif depth < _MOST_DEPTH and isinstance(inner := part.get_payload(), list):
            waiting.extend((one, depth + 1) for one in reversed(inner) if isinstance(one, Message))


def _texts(parts: list[Message]) -> list[Message]:
    """The HTML parts if there are any, else the plain ones: they say the same."""
    texts = [part for part in parts if not _file_name(part)]
    for kind in ("text/html", "text/plain"):
        if found := [part for part in texts if part.get_content_type() == kind]:
            return found
    return []


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename()
    except (ValueError, LookupError, TypeError):
        return "attachment"
    if name is None and part.get_content_disposition() != "attachment":
        return ""
    return _decoded(str(name or "attachment")).replace("\\", "/").rpartition("/")[2]


def _is_inline_picture(part: Message) -> bool:
    return part.get_content_maintype() == "image" and "Content-ID" in part


# -- its text ------------------------------------------------------------------------------------


def _body(parts: list[Message]) -> Iterator[Block]:
    for part in parts:
        yield from _older_as_quotation(_text_of(part))


def _text_of(part: Message) -> Iterator[Block]:
    charset = str(part.get_content_charset() or "")
    if part.get_content_type() != "text/html":
        return _plain(decode(_content(part), charset), part)
    if not charset:  # the page itself may say which it is
        return read_html(_content(part), About())
    return read_html(decode(_content(part), charset).encode(), About())


_FROM = "From|Von|De|Da|Van|Från|Fra|Od|От|发件人|差出人"
_SENT = (
    "Sent|Gesendet|Date|Datum|Envoyé|Enviado|Enviada|Fecha|Inviato|Data|Verzonden|Skickat|Sendt"
    "|Wysłano|Отправлено|Дата|发送时间|送信日時"
)
_OLDER = re.compile(
    rf"\*?(?:{_FROM})\*?\s?[:：][^\n]{{1,300}}\n(?:[^\n]{{1,300}}\n){{0,2}}?\*?(?:{_SENT})\*?\s?[:：]"
)
"""What Outlook puts above the mail that is answered."""


def _older_as_quotation(blocks: Iterator[Block]) -> Iterator[Block]:
    """All that follows the sender and the date of an older mail is quoted from it."""
    is_older = False
    for block in blocks:
        is_older = is_older or (isinstance(block, Paragraph) and bool(_OLDER.match(block.text)))
        if is_older and not isinstance(block, Code | Row):
            yield Quotation(block.text, page=block.page)
        else:
            yield block


def _plain(text: str, part: Message) -> Iterator[Block]:
    """Lines with `>` before them are quoted, and so is all below "Original Message"."""
    original = _ORIGINAL.search(text)
    own = _SIGNATURE.sub("\n\n", text[: original.start()] if original else text)
    held: list[str] = []
    quoted: list[str] = []
    for line in own.split("\n"):
        if line.startswith(">"):
            if held:
                yield from _read(held, part)
                held = []
            quoted.append(line.lstrip("> "))
        else:
            if quoted:
                yield from _quotations("\n".join(quoted))
                quoted = []
            held.append(line)
    yield from _read(held, part)
    yield from _quotations("\n".join(quoted))
    if original:
        yield from _quotations(text[original.end() :])


_SIGNATURE = re.compile(r"\n-- ?\n")


def _quotations(text: str) -> Iterator[Block]:
    for paragraph in re.split(r"\n\s*\n", text):
        yield Quotation(paragraph)


def _read(lines: list[str], part: Message) -> Iterator[Block]:
    """Yield the blocks of the writer's own lines; "Ana wrote:" above a quotation stays in them."""
    text = "\n".join(lines)
    if _says(part, "format") == "flowed":
        space = "" if _says(part, "delsp") == "yes" else " "
        text = re.sub(r"(?m)(?<!^--) \n(?=\S)", space, text)
    yield from read_text(text.encode(), About())


def _says(part: Message, name: str) -> str:
    return str(part.get_param(name, "")).lower()
