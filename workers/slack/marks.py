"""Turns Slack's marks in messages into plain words: one place for every surface.

Slack sends `<@U1>`, `<#C1|general>`, `<https://…|label>` and `&amp;`. Labels stay and marks go; a
person or channel without a label stays as `<@U1>` or `<#C1>` until a worker has looked up the name.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

UNREADABLE = "(a forwarded message)"
"""Stands for a message whose text Slack does not send."""
_FILE = "File: "
_QUOTED = "> "
_NOT_A_MARK = "\u2060"
"""Invisible; put after a `<` that somebody typed, so that it never counts as a mark."""
_LONGEST_FORWARDED = 3000

_MARK = re.compile(r"<([^<>]{1,4000})>")
_ENTITY = re.compile(r"&(lt|gt|amp);")
_LETTERS = {"lt": "<", "gt": ">", "amp": "&"}
_USER, _CHANNEL = re.compile(r"@([UW][A-Z0-9]{1,20})"), re.compile(r"#([CDG][A-Z0-9]{1,20})")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:")
_NO_PREVIEW = re.compile(r"\[?no preview available\]?", re.IGNORECASE)
"""What Slack writes in place of a message that it does not show."""
_TYPED = re.compile(r"<(?=[@#!])")
_REFERENCE = re.compile(r"<([@#])([A-Z][A-Z0-9]{1,20})>")
_WEB_ADDRESS = re.compile(r"\bhttps?://\S+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]")


def plain(escaped: str) -> str:
    """Return text from Slack as people see it; names that have to be looked up stay marks."""
    made, end = [], 0
    for mark in _MARK.finditer(escaped):
        made += [_typed(escaped[end : mark.start()]), _shown(mark.group(1))]
        end = mark.end()
    return "".join([*made, _typed(escaped[end:])])


def references(text: str) -> tuple[str, ...]:
    """Return the ids of people and channels in `plain` text whose names still have to
    be looked up.
    """
    return tuple(dict.fromkeys(found.group(2) for found in _REFERENCE.finditer(text)))


def named(text: str, names: Mapping[str, str]) -> str:
    """Put these names in place of ids; a mark without a name is removed."""

    def name(found: re.Match[str]) -> str:
        return _TYPED.sub("<" + _NOT_A_MARK, names.get(found.group(2), ""))

    return _REFERENCE.sub(name, text) if "<" in text else text


def searchable(text: str) -> str:
    """Remove bare web addresses, which say nothing about the question, unless nothing
    else is left.
    """
    without = _WEB_ADDRESS.sub(" ", text)
    return without if _WORD.search(without) else text


# -- a whole message ----------------------------------------------------------------------------


def written(message: Json) -> str:
    """Return what the author wrote, as Slack sends it: the text, or the blocks if there is none."""
    text = message.get("text")
    return text if isinstance(text, str) and text.strip() else _of_blocks(message.get("blocks"))


def carried(message: Json) -> str:
    """Return what came along, a line each: forwarded messages, quoted, and the names of files."""
    lines: list[str] = []
    for attachment in _objects(message.get("attachments")):
        if attachment.get("is_share") or attachment.get("is_msg_unfurl"):
            words = plain(_forwarded(attachment)).strip()[:_LONGEST_FORWARDED] or UNREADABLE
            lines += [_QUOTED + line for line in words.splitlines() if line.strip()]
            lines += [_QUOTED + name for name in _files(attachment)]
    return "\n".join([*lines, *_files(message)])


def is_only_carried(text: str) -> bool:
    """Whether nothing in it can be read: only files and unreadable messages."""
    lines = [line.removeprefix(_QUOTED) for line in text.splitlines() if line.strip()]
    return bool(lines) and all(
        line.startswith(_FILE) or line in (UNREADABLE, _FILE.strip()) for line in lines
    )


def own_words(text: str) -> str:
    """Remove quoted lines: a forwarded message belongs to the people who could read it."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(">")).strip()


def _forwarded(attachment: Json) -> str:
    """Return a forwarded message's text, as Slack sends it; empty if it sends none."""
    for shared in _objects(attachment.get("message_blocks")):
        inner = shared.get("message")
        if isinstance(inner, dict) and (words := _of_blocks(inner.get("blocks")) or written(inner)):
            return words
    found = [_string(attachment, name) for name in ("text", "title", "fallback")]
    for words in (found[0], _of_blocks(attachment.get("blocks")), *found[1:]):
        if words.strip() and not _NO_PREVIEW.fullmatch(words.strip()):
            return words
    return ""


def _files(message: Json) -> list[str]:
    made = []
    for file in _objects(message.get("files")):
        name = file.get("name") or file.get("title") or ""
        made.append(_FILE + " ".join(str(name).split())[:200] if name else _FILE.strip())
    return made


def _of_blocks(blocks: object) -> str:
    """Return blocks as text with Slack's marks, code and quotations included."""
    lines: list[str] = []
    for block in _objects(blocks):
        if block.get("type") == "rich_text":
            for section in _objects(block.get("elements")):
                lines += _section(section)
        elif block.get("type") == "markdown":
            lines.append(_escaped(_string(block, "text")))
        else:
            fields, elements = _objects(block.get("fields")), _objects(block.get("elements"))
            lines += map(_text_object, (block.get("text"), *fields, *elements))
    return "\n".join(line for line in lines if line.strip())


def _text_object(found: object) -> str:
    """Return a text object's text: `mrkdwn` has marks; `plain_text` is as people see it."""
    if not isinstance(found, dict) or found.get("type") not in ("mrkdwn", "plain_text"):
        return ""
    words = _string(found, "text")
    return words if found["type"] == "mrkdwn" else _escaped(words)


def _section(section: Json) -> Iterator[str]:
    kind, elements = section.get("type"), list(_objects(section.get("elements")))
    if kind == "rich_text_list":
        for item in elements:
            yield "".join(map(_element, _objects(item.get("elements"))))
        return
    words = "".join(map(_element, elements))
    if kind == "rich_text_preformatted":
        yield f"```{words}```"
    elif kind == "rich_text_quote":
        yield from (f"&gt; {line}" for line in words.splitlines())
    else:
        yield words


def _element(element: Json) -> str:
    words, style = _words_of(element), element.get("style")
    if words.strip() and isinstance(style, dict):
        words = f"`{words}`" if style.get("code") is True else words
        words = f"~{words}~" if style.get("strike") is True else words
    return words


def _words_of(element: Json) -> str:
    match element.get("type"):
        case "text":
            return _escaped(_string(element, "text"))
        case "link":
            return _escaped(_string(element, "text") or _string(element, "url"))
        case "user":
            return f"<@{_string(element, 'user_id')}>"
        case "channel":
            return f"<#{_string(element, 'channel_id')}>"
        case "emoji":
            return f":{_string(element, 'name')}:"
        case "date":
            return _escaped(_string(element, "fallback"))
    return ""


def _string(where: Json, name: str) -> str:
    found = where.get(name)
    return found if isinstance(found, str) else ""


def _objects(found: object) -> Iterator[Json]:
    """Return the objects of a list; nothing if Slack sent something else."""
    return (one for one in found if isinstance(one, dict)) if isinstance(found, list) else iter(())


# -- marks --------------------------------------------------------------------------------------


def _shown(mark: str) -> str:
    """Return what people see of `<mark>`."""
    target, _, label = mark.partition("|")
    label = _typed(label).strip()
    if target.startswith("@"):
        return label.removeprefix("@") or (f"<{target}>" if _USER.fullmatch(target) else "")
    if target.startswith("#"):
        return label or (f"<{target}>" if _CHANNEL.fullmatch(target) else "")
    if target.startswith("!"):
        return label if target.startswith(("!subteam^", "!date^")) else ""
    if _ADDRESS.match(target):
        return label or _typed(target).removeprefix("mailto:").removeprefix("tel:")
    return _typed(f"<{mark}>")


def _typed(escaped: str) -> str:
    """Decode the only three entities that Slack sends: `&`, `<` and `>`."""
    letters = _ENTITY.sub(lambda entity: _LETTERS[entity.group(1)], escaped)
    return _TYPED.sub("<" + _NOT_A_MARK, letters)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
