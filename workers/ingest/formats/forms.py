"""Forms in a PDF: what is filled in, beside its labels."""

from collections.abc import Iterator, Sequence

from workers.ingest.formats.lines import Segment, SetRow

_CHECKED = {"[x]": "yes", "[ ]": "no"}


def labels_below(above: SetRow, row: SetRow) -> bool:
    """Whether the line names the fields that stand below it."""
    first = row.segments[0]
    return (
        first.is_field
        and first.text not in _CHECKED
        and 0 < above.y - row.y < 2.5 * max(above.size, row.size)
        and bool(_labels_over(row, above))
        and all(len(one.text) < 80 for one in above.segments)
    )


def _labels_over(row: SetRow, above: SetRow | None) -> dict[int, str]:
    """The segment above each field that has none at its left."""
    found: dict[int, str] = {}
    left = list(above.segments) if above else []
    for number, one in enumerate(row.segments):
        if not one.is_field or (number and not row.segments[number - 1].is_field):
            continue
        over = (label for label in left if label.left < one.right and one.left < label.right)
        if label := next(over, None):
            found[number] = label.text
            left.remove(label)
    return found


def filled_in(row: SetRow, above: SetRow | None) -> Iterator[list[str]]:
    """Labels with what is filled in: beside them, below them, or before them."""
    labels = _labels_over(row, above)
    yield from (
        ([one.text] for one in above.segments if one.text not in labels.values()) if above else ()
    )
    segments, label = row.segments, ""
    number = 0
    while number < len(segments):
        one = segments[number]
        choices = _choices(segments, number)
        if not one.is_field:
            if label:
                yield [label]
            label = one.text
        elif choices:
            number += 2 * len(choices) - 1
            yield from _chosen(label, choices)
            label = ""
        elif one.text in _CHECKED:
            yield [label, _CHECKED[one.text]]
            label = ""
        else:
            label = label or labels.get(number, "")
            if not label and _names_what_is_left(segments, number):
                number += 1
                label = segments[number].text.strip("()")
            yield [label, one.text]
            label = ""
        number += 1
    if label:
        yield [label]


def _choices(segments: Sequence[Segment], number: int) -> list[tuple[str, str]]:
    """Boxes from here on, each with the text behind it."""
    found = []
    for box, text, then in zip(
        segments[number::2],
        segments[number + 1 :: 2],
        [*segments[number + 2 :: 2], None],
        strict=False,
    ):
        names_next = then is not None and then.is_field and then.text not in _CHECKED
        if box.text not in _CHECKED or not box.is_field or text.is_field:
            break
        if text.text.endswith(":") or names_next:
            break
        found.append((box.text, text.text))
    return found


def _chosen(label: str, choices: Sequence[tuple[str, str]]) -> Iterator[list[str]]:
    checked = [text for box, text in choices if _CHECKED[box] == "yes"]
    if label and len(choices) > 1 and checked:
        yield [label, ", ".join(checked)]
        return
    if label and len(choices) > 1:
        yield [label, " ".join(f"{box} {text}" for box, text in choices)]
        return
    if label:
        yield [label]
    yield from ([f"{box} {text}"] for box, text in choices)


def _names_what_is_left(segments: Sequence[Segment], number: int) -> bool:
    """Whether the text behind a field is its label, and not the next field's."""
    following = segments[number + 1 : number + 3]
    if not following or following[0].is_field or following[0].text.endswith(":"):
        return False
    return len(following) == 1
