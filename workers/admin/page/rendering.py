"""Fills the page's templates: every value is escaped, and shows characters that would hide."""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from workers.admin.page.sessions import AdminRole
from workers.admin.page.visits import Visit

BASE = "/admin"
_HERE = Path(__file__).parent
_HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of characters that a reader does not see, or that turn the direction of writing."""
_MENU = (
    ("/", "Overview", AdminRole.VIEWER),
    ("/sources", "Sources", AdminRole.VIEWER),
    ("/pushes", "Pushes", AdminRole.VIEWER),
    ("/jobs", "Jobs", AdminRole.VIEWER),
    ("/answers", "Answers", AdminRole.VIEWER),
    ("/usage", "Usage", AdminRole.VIEWER),
    ("/access", "Access", AdminRole.SECURITY),
    ("/people", "Accounts", AdminRole.SECURITY),
    ("/tokens", "Tokens", AdminRole.SECURITY),
    ("/audit", "Audit", AdminRole.SECURITY),
    ("/settings", "Settings", AdminRole.SECURITY),
)
_TONES = {
    **dict.fromkeys(("used", "done", "applied", "valid", "signed in", "answered"), "good"),
    **dict.fromkeys(("failed", "out of date", "refused"), "bad"),
    **dict.fromkeys(("paused", "to be confirmed", "link"), "warn"),
}
_DONE = {
    "paused": "Paused. It counts at once.",
    "resumed": "Resumed. It counts at once.",
    "confirmed": "Confirmed. All of it counts now.",
    "dropped": "Dropped. What it took away stays away.",
    "undone": "Undone. Access is as it was before this push.",
    "linked": "Linked. It counts from the next question on.",
    "marked": "Marked as external: a deny that names this account keeps out nobody else.",
    "unmarked": "Not marked as external any longer.",
    "revoked": "Revoked. The next request with it is refused.",
    "ended": "Ended. It signs nobody in any longer.",
    "asked": "Done. A running job stops after its current step.",
}
"""What a page says after a change; only these words can be asked for."""


def render(visit: Visit, template: str, *, status: int = 200, **facts: Any) -> Response:
    """Return the page for this administrator."""
    admin = visit.admin
    common = {
        "admin": admin,
        "may": lambda role: admin.role.includes(AdminRole(role)),
        "menu": [entry for entry in _MENU if admin.role.includes(entry[2])],
        "at": "/" + visit.path.split("/")[1],
        "done": _DONE.get(visit.query.get("done", ""), ""),
        "after": visit.after if status == 200 else 0,
    }
    return _response(template, status, common | facts)


def render_outside(template: str, *, status: int = 200, **facts: Any) -> Response:
    """Return a page for somebody who is not signed in."""
    return _response(template, status, {"admin": None, "menu": (), "at": "", "done": ""} | facts)


def back_to(path: str, *, done: str = "", **query: str) -> Response:
    """Send the browser on after a form, so that loading the page again repeats nothing."""
    return RedirectResponse(address(path, done=done, **query), 303)


def address(path: str, **query: object) -> str:
    """Return a path of this page with a query; empty fields are left out."""
    fields = {name: value for name, value in query.items() if value not in ("", None)}
    return BASE + path + ("?" + urlencode(fields) if fields else "")


@cache
def style() -> tuple[str, str]:
    """Return the style sheet and a hash of it, which its address carries."""
    sheet = (_HERE / "style.css").read_text(encoding="utf-8")
    return sheet, sha256(sheet.encode()).hexdigest()[:12]


def visible(value: object) -> object:
    """Write out each character of a text that a reader would not see: `[U+202E]`."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if value.isascii() and value.isprintable():
        return value
    return "".join(_shown(letter) for letter in value)


def _shown(letter: str) -> str:
    if letter == "\n" or unicodedata.category(letter) not in _HIDING:
        return letter
    return f"[U+{ord(letter):04X}]"


def _response(template: str, status: int, facts: dict[str, Any]) -> Response:
    return HTMLResponse(_environment().get_template(template).render(facts), status)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    written = (when, ago, period, words, counted)
    found.filters |= {one.__name__: one for one in written}
    found.globals |= {"address": address, "base": BASE, "style_hash": style()[1], "tone": tone}
    return found


def tone(state: str) -> str:
    """Return the colour of a state; the word beside it says the same."""
    return _TONES.get(state, "")


# -- how values are written -----------------------------------------------------------------------


def when(at: datetime | None) -> str | Markup:
    """Write a time in UTC, and how long ago it was."""
    if at is None:
        return "never"
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time> <span class="quiet">({})</span>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M}", ago(at)
    )


def ago(at: datetime) -> str:
    since = datetime.now(UTC) - at
    return f"{period(since)} ago" if since > timedelta(0) else f"in {period(-since)}"


def period(span: timedelta) -> str:
    """Write the largest unit of a time span: `3 days`, `1 hour`."""
    seconds = int(span.total_seconds())
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= length:
            return counted(seconds // length, unit)
    return "0 seconds"


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 group`, `2,000 groups`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def words(names: Iterable[str]) -> str:
    return ", ".join(names)
