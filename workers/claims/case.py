"""A sentence beside what it has to follow from, and which clause of it each word comes from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from workers.claims.figure import Figure, equal
from workers.claims.figures import figures
from workers.claims.likeness import Similarity
from workers.claims.place import Place
from workers.claims.reading import Clause, Part, Reading, Word, found_in, opposes, read
from workers.claims.units import Unit

_IN_UNIT = re.compile(r"(?:\bin |\ben |\()([^\W\d_]+\.?(?: (?:de )?[^\W\d_]+| ?[€$£])?)")
_SCALES = (1e3, 1e6, 1e9)
_ANTECEDENT = 3
"""Words at the end of a clause that a relative clause may be about."""


@dataclass(frozen=True)
class Case:
    claim: Reading
    sources: tuple[Reading, ...]
    """The sentences, items or the row that the quote touches, each whole."""
    context: Reading
    """Title, heading, lead-in, names of columns."""
    before: Reading
    """The sentence before; empty unless a word of the sources refers back."""
    place: Place
    similarity: Similarity | None = None

    @cached_property
    def is_translated(self) -> bool:
        return self.claim.language != self.sources[0].language

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """All words of the sources."""
        return tuple(word for source in self.sources for word in source.words)

    @cached_property
    def around(self) -> tuple[Word, ...]:
        return (*self.context.words, *self.before.words)

    @cached_property
    def elsewhere(self) -> tuple[Word, ...]:
        """The words of the rest of the passage, which the claim may not rest on."""
        return read(self.place.elsewhere, self.sources[0].language).content

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        return tuple(one for source in self.sources for one in source.figures)

    @cached_property
    def figures_around(self) -> tuple[Figure, ...]:
        return (*self.context.figures, *self.before.figures)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        return tuple(clause for source in self.sources for clause in source.clauses)

    @cached_property
    def is_table(self) -> bool:
        return any(block.kind == "row" for block in self.place.blocks)

    @cached_property
    def used(self) -> tuple[Clause, ...]:
        """The clauses of the sources that the claim needs, the one it shares most with first."""
        used = used_clauses(self.claim.content, self.claim.figures, self.clauses)
        named = [clause for clause in used if self._is_only_named(clause, used)]
        return tuple(clause for clause in used if clause not in named) or used

    def _is_only_named(self, clause: Clause, used: tuple[Clause, ...]) -> bool:
        """Whether the claim takes from a clause only what a relative clause behind it is about."""
        at = self.clauses.index(clause)
        behind = self.clauses[at + 1 : at + 2]
        if not behind or behind[0].part is not Part.RELATIVE or behind[0] not in used:
            return False
        last = clause.content[-_ANTECEDENT:]
        return not any(
            found_in(word, clause.content) and not found_in(word, last)
            for word in self.claim.content
            if not any(found_in(word, one.content) for one in used if one is not clause)
        )

    @cached_property
    def home(self) -> Clause | None:
        mains = [one for one in self.used if one.part in (Part.MAIN, Part.CONTRAST)]
        return next(iter([*mains, *self.used]), None)

    @cached_property
    def scale(self) -> Unit | None:
        """What the bare numbers of a table are meant in: "in thousand euros"."""
        if not self.is_table:
            return None
        for said in _IN_UNIT.finditer(self.context.text):
            for one in figures(f"1 {said[1]}"):
                if one.values[:1] and one.values[0] in _SCALES and one.start == 0:
                    return one.dimension, one.values[0]
        return None

    def spoken(self) -> str:
        return " ".join(source.spoken for source in self.sources)

    def has(self, word: Word) -> bool:
        """Whether the sources say a word, or its opposite."""
        return any(found_in(word, [other]) or opposes(word, other) for other in self.words)


def used_clauses(
    content: Sequence[Word], figures: Sequence[Figure], clauses: Sequence[Clause]
) -> tuple[Clause, ...]:
    """Return the fewest clauses that say the words of the claim, by how much each of them says."""
    everything = [word for clause in clauses for word in clause.content]
    denied = [word for word in content if not found_in(word, everything)]
    said: list[tuple[Clause, set[object]]] = []
    for clause in clauses:
        mine: set[object] = {
            word
            for word in content
            if found_in(word, clause.content)
            or (word in denied and any(opposes(word, other) for other in clause.content))
        }
        mine |= {one for one in figures if any(equal(one, other) for other in clause.figures)}
        said.append((clause, mine))
    said.sort(key=lambda pair: (-len(pair[1]), pair[0].part is not Part.MAIN))
    used: list[Clause] = []
    covered: set[object] = set()
    for clause, mine in said:
        if mine - covered:
            used.append(clause)
            covered |= mine
    return tuple(used)


def statement_of(clause: Clause, clauses: Sequence[Clause]) -> list[Clause]:
    """Return the clauses of the statement that this one belongs to."""
    at = next(number for number, one in enumerate(clauses) if one is clause)
    first = at
    while first > 0 and not clauses[first].opens_statement:
        first -= 1
    last = at + 1
    while last < len(clauses) and not clauses[last].opens_statement:
        last += 1
    return list(clauses[first:last])
