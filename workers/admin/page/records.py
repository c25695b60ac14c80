"""What the models cost, what was changed by whom, and the settings of this server."""

from pydantic import SecretStr
from starlette.responses import Response

from policies.audit import latest_changes
from workers.admin.page.rendering import render
from workers.admin.page.sessions import AdminRole
from workers.admin.page.visits import NOTHING, PAGE_SIZE, Visit
from workers.admin.problems import NotFound
from workers.models.used import BY, usage
from workers.settings import Settings

_DAYS = 30
_BY_PERSON = "person"


def show_usage(visit: Visit) -> Response:
    """Show usage by day or model; who used how much is for the role security."""
    allowed = [by for by in BY if by != _BY_PERSON or visit.admin.role.includes(AdminRole.SECURITY)]
    by = visit.asked("by") or "day"
    if by not in allowed:
        raise NotFound(NOTHING)
    with visit.database.session("syncer") as session:
        lines = usage(session, by=by, days=_DAYS)
    end = visit.after + PAGE_SIZE
    return render(
        visit,
        "usage.html",
        lines=lines[visit.after : end],
        more=end if len(lines) > end else None,
        total=sum(line.cost for line in lines),
        by=by,
        allowed=allowed,
        days=_DAYS,
    )


def show_audit(visit: Visit) -> Response:
    with visit.database.session("syncer") as session:
        found = latest_changes(session, before=visit.after or None, limit=PAGE_SIZE + 1)
    more = found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    return render(visit, "audit.html", changes=found[:PAGE_SIZE], more=more)


def show_settings(visit: Visit) -> Response:
    settings = visit.database.settings
    shown = [
        (f"KEN_{name.upper()}", written(settings, name), getattr(settings, name) != field.default)
        for name, field in sorted(Settings.model_fields.items())
    ]
    return render(visit, "settings.html", settings=shown)


def written(settings: Settings, name: str) -> str:
    """Return the value of a setting; of one that may hold a secret, whether it is set."""
    value, field = getattr(settings, name), Settings.model_fields[name]
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else "not set"
    if not field.repr:  # an address may hold a name and a password
        return "set" if value else "not set"
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    return str(value)
