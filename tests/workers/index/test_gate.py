"""The check before a switch: what a model must be able to do, and on what scale it says so."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.index.gate import Checked
from workers.models import pairs
from workers.models.embedder import MiniLM

GOOD = Checked(10, 0, 0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Checked(10, 0, 0, 0.7, 1.0), "70% are nearest to their own passage"),
        (Checked(10, 0, 0, 1.0, 0.9), "search by codes finds 90%"),
        (Checked(10, 0, 3, 1.0, 1.0), "3 vectors have another dimension"),
        (Checked(10, 0, 0, 1.0, 1.0, by_another_model=2), "2 of some stored vectors"),
    ],
)
def test_each_shortcoming_alone_is_an_objection(found: Checked, why: str) -> None:
    assert GOOD.objections() == []
    (objection,) = found.objections()
    assert why in objection


class Scaled:
    """The embedded English model with all its cosines squeezed together."""

    name, dimension = "scaled", 385

    def __init__(self, model: MiniLM) -> None:
        self.model = model

    def embed_one(self, text: str) -> NDArray[np.float32]:
        vector = np.append(self.model.embed_one(text), np.float32(1.0))
        return vector / np.linalg.norm(vector)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.embed_one(text) for text in texts])


def test_a_models_cosines_are_brought_to_the_embedded_models_scale() -> None:
    model = MiniLM.load(threads=1)
    plain, squeezed = pairs.scale_of(model), pairs.scale_of(Scaled(model))
    assert (plain.first, squeezed.first) == (1.0, 1.0)
    assert (plain.slope, plain.offset) == pytest.approx((1.0, 0.0), abs=0.01)
    assert (squeezed.slope, squeezed.offset) == pytest.approx((2.0, -1.0), abs=0.02)
    assert not pairs.is_same_model(pairs.probe_of(model), pairs.probe_of(Scaled(model)))
