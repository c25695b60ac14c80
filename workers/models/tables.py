"""Answers that need all rows of a table: which row fits, the largest, the next, how many, how much.

Rows are read from the passages, whole tables at a time; what is worked out cites the rows it rests
on. A word of the question that fits neither a cell, a column nor the table's own title makes it
unsure, and then nothing is worked out.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from workers.models.asks import Sought
from workers.models.base import Passage, Profile
from workers.models.dates import dates_in, days_meant, named_days
from workers.models.facets import facets_in
from workers.models.stems import stem, stems
from workers.models.synonyms import with_synonyms
from workers.models.units import plain
from workers.models.weighing import Asked

_MOST_UNMATCHED = 0.3
"""Share of the question's words, by rarity, that may fit nothing in the table."""
_MOST_UNMATCHED_IN_FIGURES = 0.15
_LEAST_WANTED = 0.6
"""How rare the words of a question are together, at least: fewer fit any table."""
MOST_ROWS = 5
"""Rows that are shown; of more, their number is said."""
_WORD = re.compile(r"[^\W_]+")
_CELL_NUMBER = re.compile(
    r"(?:[A-Z]{3}|[€$£])?\s?"
    r"(?P<number>[-+]?(?:\d{1,3}(?:[,.'\s]\d{3}){1,5}(?:[.,]\d{1,6})?|\d{1,15}(?:[.,]\d{1,9})?))"
    r"\s?(?:%|[€$£]|[^\W\d_]{1,12}\.?)?"
)


def _any_of(words: str) -> "re.Pattern[str]":
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


_LARGEST = _any_of(
    "biggest|largest|highest|greatest|most|priciest|costliest|best|longest|heaviest|maximum|max|top"
    "|more than any|most expensive|größte[rsn]?|höchste[rsn]?|meisten?|teuerste[rsn]?|beste[rsn]?"
    "|längste[rsn]?"
    "|le plus|la plus|mayor|más (?:grande|alto|caro)"
)
_SMALLEST = _any_of(
    "smallest|lowest|cheapest|least|fewest|shortest|minimum|min|worst|kleinste[rsn]?"
    "|niedrigste[rsn]?|günstigste[rsn]?|billigste[rsn]?|wenigsten?|menor|más barato"
)
_EARLIEST = _any_of("oldest|earliest|first|älteste[rsn]?|früheste[rsn]?|más antiguo")
_LATEST = _any_of(
    "newest|latest|last|most recent|neueste[rsn]?|jüngste[rsn]?|letzte[rsn]?|youngest"
)
_NEXT = _any_of("next|upcoming|soonest|nächste[rsn]?|prochaine?|próximo|próxima")
_HOW_MANY = _any_of(
    "how many|number of|count of|wie ?viele|anzahl(?: der)?|combien de?|cuántos|cuántas|how much"
    "|total|in total|all together|together|altogether|sum|overall|insgesamt|summe|zusammen"
)
_OPERATING = stems(
    "biggest largest highest greatest most best longest heaviest maximum max top expensive "
    "smallest lowest cheapest least fewest shortest minimum min worst oldest earliest "
    "first newest latest last recent next upcoming total altogether together sum overall many "
    "number count how all priciest costliest run runs "
    "insgesamt anzahl viele summe much today now currently tomorrow week month year this right "
    "looking there out have has christmas list row rows entry "
    "heute morgen woche monat jahr nächste nächsten letzte"
)
"""Words that say what to do with the rows, and stand in none."""


@dataclass(frozen=True, slots=True)
class Row:
    cells: dict[str, str]
    number: int
    """Of its passage, counted from 1."""
    quote: str

    def values(self) -> str:
        return " ; ".join(self.cells.values())


@dataclass(frozen=True, slots=True)
class Table:
    document_id: int
    title: str
    """The document's title and headings, and what its source calls it."""
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Worked:
    """What was worked out of a table."""

    rows: tuple[Row, ...]
    """That it rests on; the first are shown."""
    figure: str = ""
    """A count or a sum, in figures; empty if the rows themselves are the answer."""
    unmatched: float = 0.0
    """The share of the question's words that fits nothing in the table."""
    is_lookup: bool = False
    """Whether rows were only found by their words, and nothing was compared or counted."""


def tables_in(passages: Sequence[Passage]) -> list[Table]:
    """Return the tables of these passages, one a document, whose columns have names."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    titles: dict[int, str] = {}
    for number, passage in enumerate(passages, start=1):
        for span in passage.spans:
            if span.kind == "row":
                found[passage.document_id].append((number, plain(passage.text, span)))
                titles[passage.document_id] = (
                    f"{passage.title} {passage.heading} {passage.document}"
                )
    tables = []
    for document_id, texts in found.items():
        columns = _columns([text for _, text in texts])
        rows: dict[str, Row] = {}
        for number, text in texts:
            if cells := _cells(text, columns):
                rows.setdefault(text, Row(cells, number, text))
        if columns and rows:
            title = re.sub(r"[-_/.]", " ", titles[document_id])
            tables.append(Table(document_id, title, columns, tuple(rows.values())))
    return tables


def _columns(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the names that many rows have before a colon."""
    seen: Counter[str] = Counter()
    for text in texts:
        names = (segment.partition(": ")[:2] for segment in text.split("; "))
        seen.update({name: 1 for name, colon in names if colon and len(name) <= 60})
    least = max(1, len(texts) // 10)
    return tuple(name for name, times in seen.items() if times >= least)


def _cells(text: str, columns: Sequence[str]) -> dict[str, str]:
    """A segment that begins with no column's name belongs to the cell before it."""
    cells: dict[str, str] = {}
    last = ""
    for segment in text.removesuffix(".").split("; "):
        name, colon, value = segment.partition(": ")
        if colon and name in columns and name not in cells:
            cells[name] = value
            last = name
        elif last:
            cells[last] += f"; {segment}"
    return cells


def work_out(table: Table, asked: Asked, profile: Profile, today: date) -> Worked | None:
    """Return what the rows of one table say to the question; None if it is not sure."""
    text = asked.text
    if len(table.rows) < 2:
        return None
    days = days_meant(text, today=today)
    about_days = stems(named_days(text)) if days else set()
    wanted = {
        one: weight
        for one, weight in asked.stems.items()
        if one not in _OPERATING and one not in about_days
    }
    own_name = profile.name if asked.is_own else ""
    fit = _fitting(table, asked, wanted, own_name)
    rows, unmatched = fit.rows, fit.unmatched
    is_next = bool(_NEXT.search(text)) and not (days and _dated(rows, days, today))
    is_dated = False
    if days and not is_next and (dated := _dated(rows, days, today)):
        rows, is_dated = dated, True
    elif days and _has_days(table, today):
        return None
    if unmatched > _MOST_UNMATCHED:
        return None
    if is_next:
        return _by_date(table, rows, today, next_from=today, unmatched=unmatched)
    if _LARGEST.search(text) or _SMALLEST.search(text):
        return _extreme(table, rows, wanted, unmatched, largest=bool(_LARGEST.search(text)))
    if _EARLIEST.search(text) or _LATEST.search(text):
        return _by_date(table, rows, today, latest=bool(_LATEST.search(text)), unmatched=unmatched)
    if _HOW_MANY.search(text):
        return _figure(table, fit, wanted, text)
    is_chosen = is_dated or any(own_name and own_name in row.values() for row in rows)
    may_look_up = is_chosen or fit.is_by_words or Sought.SEVERAL in asked.sought
    if may_look_up and len(rows) <= MOST_ROWS and len(rows) < len(table.rows):
        return Worked(tuple(rows), unmatched=unmatched, is_lookup=not is_chosen)
    return None


@dataclass(frozen=True, slots=True)
class _Fit:
    rows: list[Row]
    unmatched: float
    """The share of the wanted words that fits nothing, by their rarity."""
    by_column: float
    """The share that fits a column's name alone: what its cell must hold is not known."""
    is_by_words: bool
    """Whether words chose the rows, and not a country alone."""


def _fitting(table: Table, asked: Asked, wanted: dict[str, float], own_name: str) -> _Fit:
    """Return the rows that hold most of the wanted words, and how well they fit."""
    titled = with_synonyms(stems(table.title))
    columns = with_synonyms(stems(" ".join(table.columns).replace("_", " ")))
    held = {
        id(row): with_synonyms(stems(row.values().replace("-", " "))) | _true_columns(row)
        for row in table.rows
    }
    rows = [row for row in table.rows if own_name and own_name in row.values()] or [*table.rows]
    countries = facets_in(asked.text).countries
    in_countries = [row for row in rows if countries & facets_in(row.values()).countries]
    rows = in_countries or rows
    anywhere = set().union(*held.values())
    true_columns = set().union(*map(_true_columns, table.rows))
    # A word that the title has, too, says which table is meant, not which row.
    filters = {one for one in wanted if one in anywhere and one not in titled}
    filters -= {one for one in filters if one in columns and one not in true_columns}
    scores = {id(row): sum(wanted[one] for one in filters & held[id(row)]) for row in rows}
    best = max(scores.values(), default=0.0)
    fitting = [row for row in rows if scores[id(row)] >= best - 1e-6]
    shown = held[id(fitting[0])] if fitting else set()
    places = _words_of_places(asked.text, countries)
    placed = places if in_countries else set()
    total = sum(wanted.values()) or 1.0
    missing = {one for one in wanted if one not in titled | columns | shown | placed}
    by_column = {one for one in wanted if one in columns and one not in titled | shown | placed}
    return _Fit(
        fitting,
        sum(wanted[one] for one in missing) / total,
        sum(wanted[one] for one in by_column) / total,
        is_by_words=best > 0 and not filters <= places,
    )


def _true_columns(row: Row) -> set[str]:
    """Return the stems of the columns that say yes in this row: "vegan: yes"."""
    names = (name for name, value in row.cells.items() if value.strip().lower() in _YES)
    return with_synonyms(stems(" ".join(names).replace("_", " ")))


_YES = frozenset({"yes", "true", "x", "✓", "✔", "ja", "oui", "sí", "y"})


def _words_of_places(text: str, countries: frozenset[str]) -> set[str]:
    return {
        stem(word) for word in _WORD.findall(text) if facets_in(word.title()).countries & countries
    }


def _dated(rows: Sequence[Row], days: tuple[date, date], today: date) -> list[Row]:
    """Return the rows whose days meet those; of a row with two dates, what lies between them."""
    found = []
    for row in rows:
        dates = [one for value in row.cells.values() if (one := _only_date(value, today))]
        if not dates:
            continue
        first, last = min(dates), max(dates)
        is_span = len(dates) > 1
        if first <= days[1] and (last > days[0] or (not is_span and last == days[0])):
            found.append(row)
    return found


def _has_days(table: Table, today: date) -> bool:
    """Whether its rows are of certain days: then none of another day answers."""
    return any(_only_date(value, today) for row in table.rows[:3] for value in row.cells.values())


def _only_date(value: str, today: date) -> date | None:
    """Return the date that a cell is; None if it holds anything else."""
    if _A_YEAR.fullmatch(value.strip()):
        return date(int(value), 1, 1)
    found = list(dates_in(value, today=today))
    return found[0] if len(found) == 1 and len(value) <= 20 else None


_A_YEAR = re.compile(r"(?:19|20)\d\d")


def _by_date(
    table: Table,
    rows: Sequence[Row],
    today: date,
    *,
    unmatched: float,
    latest: bool = False,
    next_from: date | None = None,
) -> Worked | None:
    column = next(
        (
            name
            for name in table.columns
            if sum(1 for row in rows if _only_date(row.cells.get(name, ""), today)) * 2 > len(rows)
        ),
        None,
    )
    if column is None:
        return None
    dated = [(one, row) for row in rows if (one := _only_date(row.cells.get(column, ""), today))]
    if next_from is not None:
        dated = [(one, row) for one, row in dated if one >= next_from]
    if not dated:
        return None
    best = (max if latest else min)(one for one, _ in dated)
    return Worked(tuple(row for one, row in dated if one == best), unmatched=unmatched)


def _extreme(
    table: Table, rows: Sequence[Row], wanted: dict[str, float], unmatched: float, *, largest: bool
) -> Worked | None:
    column = _measure(table, rows, wanted)
    if column is None:
        return None
    valued = [(one, row) for row in rows if (one := _number(row.cells.get(column, ""))) is not None]
    if len(valued) < 2:
        return None
    best = (max if largest else min)(one for one, _ in valued)
    return Worked(tuple(row for one, row in valued if one == best), unmatched=unmatched)


def _measure(table: Table, rows: Sequence[Row], wanted: dict[str, float]) -> str | None:
    """Return the column of numbers that is meant: one that is named, else the largest sums."""
    numeric = [
        name
        for name in table.columns
        if sum(1 for row in rows if _number(row.cells.get(name, "")) is not None) * 2 > len(rows)
        and not _is_id(name)
    ]
    named = [name for name in numeric if not with_synonyms(stems(name)).isdisjoint(wanted)]
    if named:
        return named[0]
    money = [name for name in numeric if stems(name) & _MONEY]
    if money:
        return money[0]
    return numeric[0] if len(numeric) == 1 else None


_MONEY = stems("value amount sum total revenue price cost eur usd betrag wert preis umsatz volume")


def _is_id(name: str) -> bool:
    """Whether numbers of this column only tell rows apart: no sum, no largest."""
    return bool(stems(name) & _IDS) or name.lower().endswith("id")


_IDS = stems("id number no nr serial tag postcode zip phone code nummer year")


def _number(value: str) -> float | None:
    """Return the number that a cell is, with or without its unit or currency."""
    found = _CELL_NUMBER.fullmatch(value.strip())
    return _read_number(found["number"]) if found else None


def _read_number(text: str) -> float:
    """Read 1,200 and 1.200 as thousands, 1.5 and 1,5 as decimals."""
    text = re.sub(r"['\s]", "", text)
    marks = [letter for letter in text if letter in ",."]
    if len(set(marks)) == 2:
        decimal = max(text.rfind(","), text.rfind("."))
        whole = re.sub(r"[,.]", "", text[:decimal])
        return float(f"{whole}.{text[decimal + 1 :]}")
    if len(marks) > 1 or (marks and len(text) - text.index(marks[0]) == 4 and text[0] != "0"):
        return float(re.sub(r"[,.]", "", text))
    return float(text.replace(",", "."))


def _figure(table: Table, fit: _Fit, wanted: dict[str, float], text: str) -> Worked | None:
    """Count the rows, or add up the column that counts what is asked for."""
    rows, unmatched = fit.rows, fit.unmatched
    if unmatched > _MOST_UNMATCHED_IN_FIGURES or sum(wanted.values()) < _LEAST_WANTED:
        return None
    is_count = bool(_COUNT.search(text))
    column = _quantity(table, rows, wanted) if is_count else _measure(table, rows, wanted)
    if column is None and is_count and fit.by_column:
        return None
    if column is None and is_count:
        return Worked(tuple(rows), figure=str(len(rows)), unmatched=unmatched)
    if column is None or len(rows) < 2 or not _SUM.search(text) or _has_states(table):
        return None
    currency = next((name for name in table.columns if stems(name) & stems("currency")), None)
    sums: dict[str, float] = defaultdict(float)
    for row in rows:
        if (one := _number(row.cells.get(column, ""))) is not None:
            sums[row.cells.get(currency, "") if currency else ""] += one
    figure = ", ".join(f"{name} {value:,.10g}".strip() for name, value in sums.items())
    return Worked(tuple(rows), figure=figure, unmatched=unmatched)


def _has_states(table: Table) -> bool:
    """Whether rows may be lost, cancelled and so on: a sum over all of them would mislead."""
    return any(stems(name) & _STATES for name in table.columns)


_STATES = stems("stage status state stand phase")
_COUNT = _any_of("how many|number of|wie ?viele|anzahl|cuántos|cuántas|combien de")
_SUM = _any_of(
    "total|together|sum|zusammen|how many|how much|number of|insgesamt|summe|wie ?viel"
    "|altogether|overall"
)


def _quantity(table: Table, rows: Sequence[Row], wanted: dict[str, float]) -> str | None:
    """Return a column such as "units" or "robots": it counts, one row for several things."""
    for name in table.columns:
        if not stems(name.replace("_", " ")) & (_QUANTITIES | set(wanted)) or _is_id(name):
            continue
        values = [row.cells.get(name, "") for row in rows]
        numbers = [one for one in map(_number, values) if one is not None]
        is_year = all(_A_YEAR.fullmatch(value.strip()) for value in values if value)
        if numbers and not is_year and all(one == int(one) for one in numbers):
            return name
    return None


_QUANTITIES = stems("units quantity count pieces headcount anzahl menge stück")
