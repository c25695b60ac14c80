"""Headless Chromium for pages of ours, and what axe-core finds wrong with one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bot.npm import installed

CHROMIUM = Path("/usr/bin/chromium")
PICTURES = Path(__file__).parents[1] / "build" / "screenshots"
_AXE_VERSION = "4.14.1"
_GRAVE = ("serious", "critical")


def driver() -> Any:
    return pytest.importorskip("playwright.sync_api", reason="no playwright: make .venv/dev")


def expect(place: Any) -> Any:
    """Playwright's expect: waits until the assertion holds."""
    return driver().expect(place)


def require_chromium() -> None:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium here: apt install chromium")


def picture(page: Any, name: str, **more: Any) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"test-{name}.png", **more)


def grave_problems(page: Any, axe: str) -> list[str]:
    """Return what axe-core calls serious or critical."""
    page.evaluate(axe)
    results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html']}"
        for one in results["violations"]
        if one["impact"] in _GRAVE
        for node in one["nodes"]
    ]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for one test file: while it is open, this thread can run no other event loop."""
    require_chromium()
    with driver().sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def axe() -> str:
    folder = installed("axe-core", _AXE_VERSION)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()
