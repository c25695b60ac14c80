"""JSON, YAML and TOML: each value with its path, lists of objects as tables."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import Any

import yaml

from workers.ingest.formats.document import (
    TOO_DEEP,
    UNPACKS_TOO_LARGE,
    About,
    Block,
    DocumentUnreadable,
    Format,
    Heading,
    Item,
    Paragraph,
    Row,
    is_said,
    not_read,
    one_line,
)
from workers.ingest.formats.text import decode

_DEEPEST = 100
_MOST_COLUMNS = 60
_MOST_REPEATED = 100_000
"""Values that a YAML file may stand for beyond ten for each that it holds."""
_WITHOUT_END = 1 << 40
_FLATTEST = 2
"""Objects in objects whose values still are cells of one row."""
_SHORT = 80
_NAMES = ("name", "title", "id", "key")
_TITLES = ("title", "name", "displayName", "summary")
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Makes lists, objects and strings, and nothing else: `no` stays no, and 1.10 stays 1.10."""


def read_json(content: bytes, about: About) -> Iterator[Block]:
    """One value, or one on each line (JSONL). Numbers stay as they are written.

    Comments and commas before a closing bracket are allowed, as in files of settings.
    """
    text = decode(content).strip()
    try:
        value = _json(text)
    except ValueError:
        if about.name.lower().endswith(".jsonl") and "\n" in text:
            value = _json_lines(text, about)
        else:
            value = _json(_strict(text))
    yield from _document(value, about)


_PIECE = re.compile(r"\"(?:[^\"\\\n]|\\.)*+\"?|//[^\n]*+|/\*|,\s*+(?=[\]}])|[^\"/,]++|[/,]")


def _strict(text: str) -> str:
    """Without comments, then without commas before a closing bracket."""
    for gone in ("/", ","):
        parts: list[str] = []
        at = 0
        while piece := _PIECE.match(text, at):
            at, found = piece.end(), piece[0]
            if found == "/*" and gone == "/":
                end = text.find("*/", at)
                at = end + 2 if end >= 0 else len(text)
            elif not (found[0] == gone and (len(found) > 1 or text[at : at + 1] in "]}")):
                parts.append(found)
        text = "".join(parts)
    return text


def _json_lines(text: str, about: About) -> list[Any]:
    """The values of the lines that hold one; most must."""
    lines = [line for line in text.split("\n") if line.strip()]
    values = []
    damaged = 0
    for line in lines:
        try:
            values.append(_json(line))
        except ValueError:
            damaged += 1
    if damaged * 2 > len(lines):
        raise ValueError("not a value on each line")
    if damaged:
        what = f"{damaged} {'part was' if damaged == 1 else 'parts were'}"
        about.missing = not_read(what, f"damaged {Format.JSON}")
    return values


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise DocumentUnreadable(TOO_DEEP) from None


def read_toml(content: bytes, about: About) -> Iterator[Block]:
    try:
        value = tomllib.loads(decode(content), parse_float=str)
    except RecursionError:
        raise DocumentUnreadable(TOO_DEEP) from None
    yield from _document(value, about)


def read_yaml(content: bytes, about: About) -> Iterator[Block]:
    """One document after the other. An alias says again what its anchor says, within limits."""
    text = decode(content)
    _refuse_bomb(text)
    if remark := _remark(text):
        yield Paragraph(remark)
    values = list(yaml.load_all(text, Loader=_Loader))
    for number, value in enumerate(values, start=1):
        if len(values) > 1:
            yield Heading(_name_of(value) or f"Document {number}", 1)
        yield from _document(value, about)


def _remark(text: str) -> str:
    """The comment at the beginning of a file, which says what it is."""
    lines = takewhile(lambda line: line.startswith("#") or not line.strip(), text.split("\n"))
    said = (line.lstrip("# ").rstrip("# ") for line in lines if not line.startswith("#!"))
    return "\n".join(filter(is_said, said))


def _name_of(value: Any) -> str:
    """What a record calls itself: its kind, its name."""
    if not isinstance(value, dict):
        return ""
    inner = value.get("metadata")
    places = (value, inner if isinstance(inner, dict) else {})
    names = (place.get(key) for place in places for key in _NAMES)
    name = next((one for one in names if isinstance(one, str) and one.strip()), "")
    kind = value.get("kind")
    kind = kind if isinstance(kind, str) else ""
    return one_line(f"{kind} {name}")[:_SHORT]


def _refuse_bomb(text: str) -> None:
    """How many values there are once each alias is filled in, and how deep they are: counted
    along the events, before anything is built."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.DocumentStartEvent):
            sizes = {}
        elif isinstance(event, yaml.AliasEvent):
            total += sizes.get(event.anchor or "", _WITHOUT_END)  # within itself: without an end
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, total))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = total - before
        if len(open_nodes) > _DEEPEST:
            raise DocumentUnreadable(TOO_DEEP)
        if total > 10 * number + _MOST_REPEATED - 1:
            raise DocumentUnreadable(UNPACKS_TOO_LARGE)


# -- values as blocks ------------------------------------------------------------------------------


def _document(value: Any, about: About) -> Iterator[Block]:
    """What stands at the top of a file: its parts have headings of their own."""
    value = _merged(value)
    if not isinstance(value, dict):
        yield from _blocks("", value, 0)
        return
    info = value.get("info")
    for place in (value, info if isinstance(info, dict) else {}):  # of an API: its `info`
        names = (place.get(key) for key in _TITLES)
        about.titles.extend(one for one in names if isinstance(one, str) and one.strip())
    yield from _simple("", value)
    for key, inner in value.items():
        if _is_nested(inner):
            yield Heading(str(key), 2)
            yield from _blocks(str(key), inner, 1)


def _blocks(path: str, value: Any, depth: int) -> Iterator[Block]:
    value = _merged(value)
    if depth > _DEEPEST:
        raise DocumentUnreadable(TOO_DEEP)
    if isinstance(value, dict):
        if _is_table(list(value.values())):
            yield from _table(path, list(value.values()), list(map(str, value)))
            return
        yield from _simple(path, value)
        for key, inner in value.items():
            if _is_nested(inner):
                yield from _blocks(_joined(path, str(key)), inner, depth + 1)
    elif isinstance(value, list):
        yield from _list(path, value, depth)
    else:
        yield from _named(path, _scalar(value))


def _simple(path: str, value: Mapping[Any, Any]) -> Iterator[Block]:
    for key, inner in value.items():
        if not _is_nested(inner):
            yield from _named(_joined(path, str(key)), _cell(inner))


def _named(path: str, said: str) -> Iterator[Block]:
    """A text of several lines stays one; anything else is a path and its value."""
    if "\n" in said.strip() and path:
        yield Paragraph(f"{path}:")
        yield from (Paragraph(part) for part in said.split("\n\n"))
    elif said.strip():
        yield Row((path, said)) if path else Paragraph(said)


def _list(path: str, values: Sequence[Any], depth: int) -> Iterator[Block]:
    if _is_table(values) or (len(values) == 1 and _is_record(values[0])):
        yield from _table(path, values, [])
        return
    if not any(map(_is_nested, values)):
        if path:
            yield Paragraph(f"{path}:")
        yield from (Item(_cell(value)) for value in values)
        return
    for number, value in enumerate(values, start=1):
        yield from _element(path, number, value, depth)


def _element(path: str, number: int, value: Any, depth: int) -> Iterator[Block]:
    """An object of a list: its simple values in one row, so that each is said with its name."""
    value = _merged(value)
    place = f"{path}[{number}]"
    if not isinstance(value, dict):
        yield from _blocks(place, value, depth + 1)
        return
    if (cells := _flat(value)) and sum(map(bool, cells.values())) > 1:
        yield Row(tuple(cells.values()), tuple(cells), path)
        return
    simple = {str(key): _cell(inner) for key, inner in value.items() if not _is_nested(inner)}
    if sum(map(bool, simple.values())) > 1:
        yield Row(tuple(simple.values()), tuple(simple), path)
    else:
        yield from _simple(place, value)
    name = _name_of(value)
    place = f"{path}[{name}]" if name and len(name) < _SHORT else place
    for key, inner in value.items():
        if _is_nested(inner):
            yield from _blocks(_joined(place, str(key)), inner, depth + 1)


def _is_nested(value: Any) -> bool:
    """Whether it needs lines of its own: anything but one value or a few short ones."""
    if isinstance(value, list):
        return any(map(_is_container, value)) or len(_cell(value)) > _SHORT
    return isinstance(value, dict) and bool(value)


def _is_container(value: Any) -> bool:
    return isinstance(value, dict | list)


def _is_table(values: Sequence[Any]) -> bool:
    """Whether these are objects of one kind: they share half of their keys, and nest little."""
    if len(values) < 2 or not all(isinstance(value, dict) and value for value in values):
        return False
    sample = [_flat(value) for value in values[:20]]
    if any(row is None for row in sample):
        return False
    names = _columns(values)
    filled = sum(len(row) for row in sample if row)
    return 0 < len(names) <= _MOST_COLUMNS and filled * 2 >= len(names) * len(sample)


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and sum(map(bool, (_flat(value) or {}).values())) > 1


def _flat(value: Mapping[Any, Any], depth: int = 0) -> dict[str, str] | None:
    """The cells of an object; those of an object in it as "outer.inner". None: too nested."""
    cells: dict[str, str] = {}
    for key, inner in _merged(value).items():
        if isinstance(inner, dict):
            within = _flat(inner, depth + 1) if depth < _FLATTEST else None
            if within is None:
                return None
            cells |= {f"{key}.{name}": said for name, said in within.items()}
        elif isinstance(inner, list) and any(map(_is_container, inner)):
            return None
        else:
            cells[str(key)] = _cell(inner)
    return cells if len(cells) <= _MOST_COLUMNS else None


def _columns(values: Sequence[Any]) -> list[str]:
    names: dict[str, None] = {}
    for value in values:
        for name in islice(_flat(value) or {}, _MOST_COLUMNS + 1):
            names.setdefault(name)
        if len(names) > _MOST_COLUMNS:
            break
    return list(names)


def _table(path: str, values: Sequence[Any], keys: Sequence[str]) -> Iterator[Block]:
    """A row for each object. Of an object of objects its key is the first cell, without a name."""
    names = _columns(values)
    columns = ("", *names) if keys else tuple(names)
    for number, value in enumerate(values):
        cells = _flat(value)
        if cells is None:
            yield from _blocks(_joined(path, keys[number] if keys else f"[{number + 1}]"), value, 1)
            continue
        row = tuple(cells.get(name, "") for name in names)
        yield Row((keys[number], *row) if keys else row, columns, path)


def _joined(path: str, key: str) -> str:
    key = one_line(key)
    return f"{path}.{key}" if path and not key.startswith("[") else f"{path}{key}"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_scalar(one) for one in value[:1_000])
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _merged(value: Any) -> Any:
    """With what YAML's `<<` takes over from other objects; own values win."""
    if not isinstance(value, dict) or "<<" not in value:
        return value
    above = value["<<"]
    taken: dict[Any, Any] = {}
    for one in reversed(above if isinstance(above, list) else [above]):
        if isinstance(one, dict):
            taken |= {key: inner for key, inner in one.items() if key != "<<"}
    return taken | {key: inner for key, inner in value.items() if key != "<<"}
