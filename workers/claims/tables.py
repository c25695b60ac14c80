"""A value of a table counts only for its own row and column."""

from collections.abc import Sequence

from workers.claims.case import Case
from workers.claims.figure import Figure, equal
from workers.claims.figures import figures
from workers.claims.place import Block
from workers.claims.reading import Reading, Word, found_in, is_said, read
from workers.claims.units import Unit, unit_of
from workers.claims.verdict import Reason, Verdict

_YES = frozenset("yes ja sí si oui true ✓ ✔ x included available".split())
_NO = frozenset("no nein non false ✗ ✘ - – none keine not".split())


def said_by(block: Block) -> str:
    """Return the text of a block; of a row its values, but for a yes or no."""
    if block.kind != "row":
        return block.text
    said = [value for _, value in block.cells if value.strip().casefold() not in _YES | _NO]
    return " | ".join(said)


def check_cells(case: Case) -> Verdict | None:
    """Return the value that is another row's or column's."""
    if not case.is_table:
        return None
    language = case.sources[0].language
    cells = [cell for block in case.place.blocks for cell in block.cells]
    return (
        _of_other_row(case, language)
        or _of_other_column(case, cells, language)
        or _yes_or_no(case, cells, language)
    )


def _of_other_row(case: Case, language: str) -> Verdict | None:
    """A word that stands in another row alone makes the claim that row's."""
    own = (*case.words, *case.around)
    for block in case.place.others:
        other = read(block.text, language)
        for word in case.claim.content:
            if is_said(word, other.words) and not found_in(word, own):
                return Verdict(Reason.CELL, word.raw)
    return None


def _of_other_column(case: Case, cells: Sequence[tuple[str, str]], language: str) -> Verdict | None:
    """The column that a figure stands in must be the one that the claim names."""
    for figure in case.claim.figures:
        if _is_of_label(case, cells, figure):
            continue
        homes = [at for at, (_, value) in enumerate(cells) if _holds(value, figure, case.scale)]
        if not homes:
            continue
        if all(_is_limited(case, cells, at) for at in homes):
            return Verdict(Reason.CELL, figure.text)
        named = [
            at
            for at, (name, _) in enumerate(cells)
            if name and any(_names(word, name, language) for word in _near(case.claim, figure))
        ]
        strictly = [
            at
            for at, (name, _) in enumerate(cells)
            if any(is_said(word, read(name, language).words) for word in _near(case.claim, figure))
        ]
        numbered = [
            at
            for at, (name, _) in enumerate(cells)
            if any(_holds(name, one) for one in case.claim.figures if one is not figure)
        ]
        could = any(_could_hold(cells[at][1], figure) for at in numbered)
        if could and not set(numbered) & set(homes):
            return Verdict(Reason.CELL, figure.text)
        rivals = [at for at in strictly if at not in homes and _could_hold(cells[at][1], figure)]
        if rivals and not set(named) & set(homes):
            return Verdict(Reason.CELL, figure.text)
    return None


def _is_of_label(case: Case, cells: Sequence[tuple[str, str]], figure: Figure) -> bool:
    """Whether a number is of the row's own name ("Van 1") or of a column's ("from 10 pieces")."""
    said = case.claim.text.casefold()
    label = cells[0][1]
    if not label.isdigit() and label.casefold() in said and _holds(label, figure):
        return True
    return any(_holds(name, figure) for name, _ in cells if not name.isdigit())


def _is_limited(case: Case, cells: Sequence[tuple[str, str]], at: int) -> bool:
    """Whether a column is for a number that the claim leaves out: "from 10 pieces"."""
    own = figures(cells[at][0])
    others = [name for number, (name, _) in enumerate(cells) if number != at and figures(name)]
    if not own or not others or 1.0 in own[0].values:
        return False
    return not any(equal(one, mine) for one in own for mine in case.claim.figures)


def _holds(value: str, figure: Figure, scale: Unit | None = None) -> bool:
    if scale and any(a * scale[1] in figure.values for one in figures(value) for a in one.plain):
        return True
    return any(
        equal(one, figure) or any(a in figure.plain for a in one.plain) for one in figures(value)
    )


def _could_hold(value: str, figure: Figure) -> bool:
    """Whether a cell has a figure of its own that the claim could have meant."""
    return bool(figures(value)) and not _holds(value, figure)


def _names(word: Word, column: str, language: str) -> bool:
    if unit_of(word.text):
        return False  # "48 hours" does not name the column of opening hours
    return bool(
        found_in(word, [one for one in read(column, language).words if not one.is_function])
    )


def _near(claim: Reading, figure: Figure) -> list[Word]:
    """Return the content words of the piece that a figure stands in."""
    for piece in claim.pieces:
        if figure in piece.figures:
            return piece.content
    return list(claim.content)


def _yes_or_no(case: Case, cells: Sequence[tuple[str, str]], language: str) -> Verdict | None:
    """A cell of yes or no must agree with what the claim says of its column."""
    lexicon = case.claim.lexicon
    for name, value in cells:
        said = value.strip().casefold()
        if not name or (said not in _YES and said not in _NO):
            continue
        for clause in case.claim.pieces:
            if any(_names(word, name, language) for word in clause.content):
                denied = any(word.text in lexicon.negators for word in clause.words)
                if denied != (said in _NO):
                    return Verdict(Reason.CELL, name)
    return None
