"""users.*, team.info, bots.info, auth.test, api.test: who is who."""

from bot.playground.shapes import user_object
from bot.playground.web_api import Refused, Slack, method, page, paged
from bot.playground.workspace import APP_ID, BOT_ID, BOT_USER, Json


@method("api.test", token="", error="str")
def api_test(slack: Slack, arguments: Json) -> Json:
    if "error" in arguments:
        raise Refused(arguments["error"])
    return {"args": arguments} if arguments else {}


@method("auth.test")
def auth_test(slack: Slack, arguments: Json) -> Json:
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


@method("users.info", user="str!", include_locale="bool")
def user_info(slack: Slack, arguments: Json) -> Json:
    user = slack.user(arguments["user"])
    return {"user": user_object(user, include_locale=arguments.get("include_locale", False))}


@method("users.list", cursor="str", limit="int", include_locale="bool", team_id="str")
def list_users(slack: Slack, arguments: Json) -> Json:
    """Everybody of the workspace, the deactivated included; without `limit`, all at once."""
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
    locale = arguments.get("include_locale", False)
    shapes = [user_object(user, include_locale=locale) for user in found]
    return paged({"members": shapes, "cache_ts": 1_700_000_000}, following)


@method("users.lookupByEmail", email="str!")
def look_up(slack: Slack, arguments: Json) -> Json:
    wanted = arguments["email"].casefold()
    for user in slack.workspace.users.values():
        hidden = user.deleted or user.is_stranger or user.is_bot
        if user.email and user.email.casefold() == wanted and not hidden:
            return {"user": user_object(user)}
    raise Refused("users_not_found")


@method("team.info", team="str", domain="str")
def team_info(slack: Slack, arguments: Json) -> Json:
    team = slack.workspace.team
    if (
        arguments.get("team", team.id) != team.id
        or arguments.get("domain", team.domain) != team.domain
    ):
        raise Refused("team_not_found")
    shape = {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": ""}
    return {"team": {**shape, "url": f"https://{team.domain}.slack.com/", "icon": {}}}


@method("bots.info", bot="str", team_id="str")
def bot_info(slack: Slack, arguments: Json) -> Json:
    if arguments.get("bot", BOT_ID) != BOT_ID:
        raise Refused("bot_not_found")
    shape = {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER, "name": "Ken", "icons": {}}
    return {"bot": {**shape, "deleted": False, "updated": 1_700_000_000}}
