"""The lock names everything that an installer asks for, so that no newer version is ever looked at.

`make installers` installs from it, by pip alone and by uv alone; CI does that, too.
"""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parent.parent
_LOCKS = ("requirements.txt", "requirements-dev.txt")


def _entries(lock: str) -> list[str]:
    return (_ROOT / lock).read_text().replace("\\\n", "").splitlines()


def _locked(lock: str) -> list[Requirement]:
    return [Requirement(entry.partition(" --hash")[0]) for entry in _entries(lock)]


@pytest.mark.parametrize("lock", _LOCKS)
def test_every_entry_has_one_version_and_hashes_and_nothing_names_an_index(lock: str) -> None:
    for entry in _entries(lock):
        assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==[\w.]+( ; [^-]+?)? +--hash=sha256:", entry)
    assert "://" not in (_ROOT / lock).read_text()


@pytest.mark.parametrize("lock", _LOCKS)
def test_what_a_locked_package_requires_is_locked_with_its_extras(lock: str) -> None:
    """In hash mode pip wants a line for `pydantic[email]` and one for `pydantic`."""
    locked = _locked(lock)
    lines = {(canonicalize_name(one.name), frozenset(one.extras)): one for one in locked}
    here = [one for one in locked if one.marker is None or one.marker.evaluate()]
    for one in here:
        for wanted in _required_by(one):
            held = lines.get((canonicalize_name(wanted.name), frozenset(wanted.extras)))
            assert held, f"{one.name} requires {wanted}"
            version = next(iter(held.specifier)).version
            assert wanted.specifier.contains(version, prereleases=True), f"{one.name}: {wanted}"


def _required_by(locked: Requirement) -> list[Requirement]:
    required = [Requirement(each) for each in distribution(locked.name).requires or ()]
    extras = locked.extras or {""}
    return [
        one
        for one in required
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
    ]


@pytest.mark.parametrize("lock", _LOCKS)
def test_what_an_extra_adds_is_locked_beside_the_bare_name(lock: str) -> None:
    bare = {(one.name, str(one.specifier)) for one in _locked(lock) if not one.extras}
    extended = {(one.name, str(one.specifier)) for one in _locked(lock) if one.extras}
    assert extended
    assert extended <= bare


def test_the_editable_install_builds_with_what_the_lock_holds() -> None:
    assert "setuptools" in {one.name for one in _locked("requirements.txt")}
