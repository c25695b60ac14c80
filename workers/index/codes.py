"""Finds the chunks whose vectors are likely to be near a question's, by one bit a dimension.

The sign of each number of a vector is kept: 48 bytes for 384 dimensions, where the vector takes
768. How many signs differ says roughly how near two vectors are (Charikar, STOC 2002). Only the
codes of policies that the audience may read are looked at, so no other code changes what is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_FARTHEST = np.iinfo(np.uint16).max
_BLOCK = 16_384
"""Codes that are compared at a time: their intermediate results stay in the processor's cache."""
_SCAN_ALL = 4
"""Where more than one code in so many is visible, comparing all is faster than picking them out."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The chunks of a search, nearest first, with the policies of their documents."""

    chunk_ids: NDArray[np.int64]
    policy_ids: NDArray[np.int64]
    visible: int
    """How many chunks there were to choose from."""


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The codes of chunks, grouped by policy. Nothing in it changes."""

    chunk_ids: NDArray[np.int64]
    document_ids: NDArray[np.int64]
    foreign: NDArray[np.bool_]
    """Whether a chunk's text is in another language than English."""
    words: NDArray[np.uint64]
    """Shape (words of 64 bits, chunks)."""
    policies: NDArray[np.int64]
    """Ascending; the chunks of the one at `i` are `starts[i] : starts[i + 1]`."""
    starts: NDArray[np.int64]
    by_document: NDArray[np.int32]
    """The places of the chunks in the order of their documents."""
    gone: NDArray[np.bool_]
    """Whether a chunk is here no more."""

    def __len__(self) -> int:
        return len(self.chunk_ids)

    def without(self, document_ids: NDArray[np.int64]) -> "Codes":
        """Return the same without the chunks of these documents."""
        first = np.searchsorted(
            self.document_ids, document_ids, side="left", sorter=self.by_document
        )
        last = np.searchsorted(
            self.document_ids, document_ids, side="right", sorter=self.by_document
        )
        gone = self.gone.copy()
        gone[self.by_document[_ranges(first, last - first)]] = True
        return replace(self, gone=gone)

    def count(self, policy_ids: NDArray[np.int64]) -> int:
        """Count the chunks of these policies; the ids ascend."""
        if not self.gone.any():
            return self._counted(policy_ids)
        rows = self._rows(policy_ids)
        return int(len(rows) - np.count_nonzero(self.gone[rows]))

    def nearest(
        self,
        policy_ids: NDArray[np.int64],
        code: NDArray[np.uint64],
        *,
        limit: int,
        foreign_only: bool = False,
    ) -> tuple[NDArray[np.uint16], NDArray[np.int64], int]:
        """Return how far the nearest chunks of these policies are, their places, and how many
        there were to choose from. All that are as far as the last one are among them.
        """
        if not len(self):
            return np.zeros(0, np.uint16), self.starts[:0], 0
        if foreign_only or _SCAN_ALL * self._counted(policy_ids) < len(self):
            rows = self._rows(policy_ids)
            rows = rows[~self.gone[rows]]
            if foreign_only:
                rows = rows[self.foreign[rows]]
            far = _distances(self.words[:, rows], code)
            visible = len(rows)
        else:
            seen = np.repeat(np.isin(self.policies, policy_ids), np.diff(self.starts))
            seen &= ~self.gone
            far = _distances(self.words, code)
            far[~seen] = _FARTHEST
            rows, visible = None, int(np.count_nonzero(seen))
        if visible == 0:
            return far[:0], self.starts[:0], 0
        edge = np.partition(far, limit - 1)[limit - 1] if visible > limit else _FARTHEST - 1
        near = np.flatnonzero(far <= edge)
        return far[near], near if rows is None else rows[near], visible

    def _counted(self, policy_ids: NDArray[np.int64]) -> int:
        at = self._at(policy_ids)
        return int((self.starts[at + 1] - self.starts[at]).sum())

    def _rows(self, policy_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        at = self._at(policy_ids)
        return _ranges(self.starts[at], self.starts[at + 1] - self.starts[at])

    def _at(self, policy_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of those of the policies that have chunks here."""
        at = np.searchsorted(self.policies, policy_ids)
        at = at[at < len(self.policies)] if len(policy_ids) else at
        known = np.isin(self.policies[at], policy_ids)
        return np.unique(at[known])


def codes_of(
    chunk_ids: NDArray[np.int64],
    document_ids: NDArray[np.int64],
    policy_ids: NDArray[np.int64],
    foreign: NDArray[np.bool_],
    words: NDArray[np.uint64],
) -> Codes:
    """Return these chunks as codes; `words` has the shape (chunks, words of 64 bits)."""
    order = np.argsort(policy_ids, kind="stable")
    policies, starts = np.unique(policy_ids[order], return_index=True)
    documents = document_ids[order]
    return Codes(
        chunk_ids[order],
        documents,
        foreign[order],
        np.ascontiguousarray(words[order].T),
        policies,
        np.append(starts, len(order)),
        np.argsort(documents, kind="stable").astype(np.int32),
        np.zeros(len(order), np.bool_),
    )


_NO_IDS = np.zeros(0, np.int64)
NONE = codes_of(_NO_IDS, _NO_IDS, _NO_IDS, np.zeros(0, np.bool_), np.zeros((0, 0), np.uint64))
"""No chunk."""


def joined(one: Codes, other: Codes) -> Codes:
    """Return the chunks of both that are not gone."""
    parts = [
        (
            codes.chunk_ids[there],
            codes.document_ids[there],
            np.repeat(codes.policies, np.diff(codes.starts))[there],
            codes.foreign[there],
            codes.words.T[there],
        )
        for codes in (one, other)
        if len(there := np.flatnonzero(~codes.gone))
    ]
    if not parts:
        return NONE
    return codes_of(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def code_of(vector: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return a vector's code, as pgvector's `binary_quantize` makes it."""
    code: NDArray[np.uint64] = padded(np.packbits(vector > 0)[None])[0]
    return code


def padded(code: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return codes, shape (chunks, bytes), as words of 64 bits; the last is filled with zeros."""
    short = -code.shape[1] % 8
    return np.asarray(np.pad(code, ((0, 0), (0, short))).view(np.uint64))


def nearest_of(
    parts: Sequence[Codes],
    policy_ids: NDArray[np.int64],
    vector: NDArray[np.float32],
    *,
    limit: int,
    foreign_only: bool = False,
) -> Found:
    """Search several parts as if they were one."""
    code = code_of(vector)
    searched = [
        (part, *part.nearest(policy_ids, code, limit=limit, foreign_only=foreign_only))
        for part in parts
    ]
    far = np.concatenate([far for _part, far, _at, _visible in searched])
    chunk_ids = np.concatenate([part.chunk_ids[at] for part, _far, at, _visible in searched])
    policies = np.concatenate(
        [
            part.policies[np.searchsorted(part.starts, at, side="right") - 1]
            for part, _far, at, _visible in searched
        ]
    )
    first = np.lexsort((chunk_ids, far))[:limit]
    visible = sum(visible for _part, _far, _at, visible in searched)
    return Found(chunk_ids[first], policies[first], visible)


def _ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of all these ranges, one after the other."""
    before = np.cumsum(counts) - counts
    return np.asarray(np.arange(counts.sum()) + np.repeat(starts - before, counts))


def _distances(words: NDArray[np.uint64], code: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Count the bits in which each code differs (Hamming's distance)."""
    far = np.zeros(words.shape[1], np.uint16)
    differing = np.empty(min(_BLOCK, len(far)), np.uint64)
    for start in range(0, len(far), _BLOCK):
        part = far[start : start + _BLOCK]
        for word, asked in zip(words[:, start : start + _BLOCK], code, strict=True):
            part += np.bitwise_count(np.bitwise_xor(word, asked, out=differing[: len(part)]))
    return far
