"""The limit for what could compute for ever."""

import re

import pytest

from tests.patience import patience


def test_what_computes_for_ever_is_given_up() -> None:
    with pytest.raises(AssertionError, match="still computes"), patience(0.05):
        re.match(r"(a+)+$", "a" * 60 + "!")


def test_what_ends_is_let_be() -> None:
    with patience(0.05):
        pass
    re.match(r"(a+)+$", "a" * 18 + "!")  # no limit is left behind
