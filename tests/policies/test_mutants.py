"""See the leak first: each mutant of what decides, with one protection taken out, is noticed.

The mutants stand in `tests/prove/protections.py`; `make prove` looks for them in random worlds too.
"""

import pytest

from tests.policies.conftest import Noticed
from tests.prove.protections import MUTANTS


def test_there_are_many_and_each_has_its_own_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 50


def test_each_mutant_moves_the_bar_once(noticed: Noticed) -> None:
    assert noticed.ended == len(MUTANTS)


@pytest.mark.parametrize("name", [mutant.name for mutant in MUTANTS])
def test_a_mutant_leaks_and_is_noticed(name: str, noticed: Noticed) -> None:
    """Threats 1 to 7, 10 to 12 and 32: what is shipped leaks nothing in the same worlds."""
    assert name in noticed.names
