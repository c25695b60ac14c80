"""users.*, usergroups.*, team.info, bots.info, auth.test, api.test."""

from bot.playground.events.shapes import user_object, usergroup_object
from bot.playground.web_api import Refused, Slack, method, page, paged
from bot.playground.workspace import APP_ID, BOT_ID, BOT_USER, Json, User


@method("api.test", token="", error="str")
def api_test(_slack: Slack, arguments: Json) -> Json:
    if "error" in arguments:
        raise Refused(arguments["error"])
    return {"args": arguments} if arguments else {}


@method("auth.test")
def auth_test(slack: Slack, _arguments: Json) -> Json:
    team = slack.workspace.team
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "team_id": team.id,
        "user": slack.workspace.users[BOT_USER].name,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


@method("users.info", scopes=("users:read",), user="str!", include_locale="bool")
def user_info(slack: Slack, arguments: Json) -> Json:
    user = slack.user(arguments["user"])
    return {"user": _described(slack, user, arguments)}


@method(
    "users.list",
    scopes=("users:read",),
    cursor="str",
    limit="int",
    include_locale="bool",
    team_id="str",
)
def list_users(slack: Slack, arguments: Json) -> Json:
    """List everybody in the workspace, deactivated people too; without `limit`, all at once."""
    users = sorted(
        (
            user
            for user in slack.workspace.users.values()
            if user.team_id == slack.workspace.team.id
        ),
        key=lambda user: user.id,
    )
    found, following = page(
        users,
        lambda user: str(user.id),
        arguments,
        default=len(users),
        bad_limit="invalid_arguments",
    )
    shapes = [_described(slack, user, arguments) for user in found]
    return paged({"members": shapes, "cache_ts": 1_700_000_000}, following)


@method("users.lookupByEmail", scopes=("users:read.email",), email="str!")
def look_up(slack: Slack, arguments: Json) -> Json:
    wanted = arguments["email"].casefold()
    for user in slack.workspace.users.values():
        hidden = user.deleted or user.is_stranger or user.is_bot
        if user.email and user.email.casefold() == wanted and not hidden:
            return {"user": user_object(user)}
    raise Refused("users_not_found")


@method("team.info", scopes=("team:read",), team="str", domain="str")
def team_info(slack: Slack, arguments: Json) -> Json:
    team = slack.workspace.team
    if (
        arguments.get("team", team.id) != team.id
        or arguments.get("domain", team.domain) != team.domain
    ):
        raise Refused("team_not_found")
    shape = {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": ""}
    return {"team": {**shape, "url": f"https://{team.domain}.slack.com/", "icon": {}}}


@method("bots.info", scopes=("users:read",), bot="str", team_id="str")
def bot_info(_slack: Slack, arguments: Json) -> Json:
    if arguments.get("bot", BOT_ID) != BOT_ID:
        raise Refused("bot_not_found")
    shape = {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER, "name": "Ken", "icons": {}}
    return {"bot": {**shape, "deleted": False, "updated": 1_700_000_000}}


@method("users.profile.get", scopes=("users.profile:read",), user="str", include_labels="bool")
def profile(slack: Slack, arguments: Json) -> Json:
    user = slack.user(arguments.get("user", BOT_USER))
    return {"profile": _described(slack, user, {})["profile"]}


@method(
    "usergroups.list",
    scopes=("usergroups:read",),
    include_count="bool",
    include_disabled="bool",
    include_users="bool",
    team_id="str",
)
def list_groups(slack: Slack, arguments: Json) -> Json:
    groups = [
        usergroup_object(
            slack.workspace, group, include_users=arguments.get("include_users", False)
        )
        for group in slack.workspace.usergroups.values()
        if arguments.get("include_disabled") or not group.deleted
    ]
    return {"usergroups": groups}


@method(
    "usergroups.users.list",
    scopes=("usergroups:read",),
    usergroup="str!",
    include_disabled="bool",
    team_id="str",
)
def list_group_users(slack: Slack, arguments: Json) -> Json:
    group = slack.workspace.usergroups.get(arguments["usergroup"])
    if group is None or (group.deleted and not arguments.get("include_disabled")):
        raise Refused("no_such_subteam")
    return {"users": group.users}


def _described(slack: Slack, user: User, arguments: Json) -> Json:
    """Describe a user; the e-mail address needs a scope of its own."""
    shape = user_object(user, include_locale=arguments.get("include_locale", False))
    if not slack.may("users:read.email"):
        shape["profile"].pop("email", None)
    return shape
