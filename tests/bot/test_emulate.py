"""Compares the double with npm `emulate`, another simulator: same calls, same answers.

It is installed into build/emulate when the tests run; where that is not possible they are skipped.
"""

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.playground.client import Playground
from bot.playground.double import Access
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from tests.bot.conftest import EVERY_SCOPE
from tests.bot.npm import installed
from tests.bot.slack_schemas import check_error, needs_shared

Json = dict[str, Any]

VERSION = "0.12.2"
PEOPLE = [
    {"name": "alice", "real_name": "Alice Adams", "email": "alice@acme.example"},
    {"name": "bob", "real_name": "Bob", "email": "bob@acme.example"},
]
CHANNELS: list[Json] = [
    {"name": "shared", "members": ["alice", "bob", "ken"]},
    {"name": "open", "members": ["alice"]},
    {"name": "closed", "is_private": True, "members": ["alice"]},
    {"name": "board", "is_private": True, "members": ["alice", "ken"]},
    {"name": "old", "members": ["alice", "ken"], "is_archived": True},
]
METADATA = {"event_type": "ken_answer", "event_payload": {"question_id": "Q1"}}
HOME = {"type": "home", "blocks": [{"type": "divider"}]}


@dataclass(frozen=True)
class Side:
    """One of the two simulators, with the ids of its people by name."""

    ken: WebClient
    poor: WebClient
    """A token that may read people and nothing else."""
    nobody: WebClient
    ids: dict[str, str]
    write: Callable[[str, str], str]
    """Post a message as Alice and return its ts."""

    def name(self, known_id: str) -> str:
        return next(name for name, item in self.ids.items() if item == known_id)


@contextmanager
def ours() -> Iterator[Side]:
    ids = {item["name"]: f"U{item['name'].upper()}" for item in PEOPLE} | {"ken": "UKEN"}
    ids |= {item["name"]: f"C{item['name'].upper()}" for item in CHANNELS}
    channels = [
        {**item, "id": ids[item["name"]], "members": [ids[name] for name in item["members"]]}
        for item in CHANNELS
    ]
    users = [{**item, "id": ids[item["name"]]} for item in PEOPLE]
    team = {"id": "T1", "name": "Acme", "domain": "acme"}
    world = {"team": team, "users": users, "channels": channels}
    poor = Access(scopes=("users:read",))
    with (
        running(read_workspace(world), Access(scopes=EVERY_SCOPE)) as url,
        running(read_workspace(world), poor) as poor_url,
    ):
        slack = Playground(url)
        yield Side(
            ken=_client("xoxb-playground", url),
            poor=_client("xoxb-playground", poor_url),
            nobody=_client("xoxb-unknown", url),
            ids=ids,
            write=lambda channel, text: slack.say(channel, "alice", text).ts,
        )


@contextmanager
def theirs() -> Iterator[Side]:
    tokens = [{"token": f"xoxb-{name}", "user": name} for name in ("ken", "alice")]
    poor = {"token": "xoxb-poor", "user": "ken", "scopes": ["users:read"]}
    users = [*PEOPLE, {"name": "ken", "real_name": "Ken"}]
    seed = {"strict_scopes": True, "users": users, "tokens": [*tokens, poor]}
    with _emulate(seed) as url:
        alice, ken = _client("xoxb-alice", url), _client("xoxb-ken", url)
        ids = {user["name"]: user["id"] for user in alice.users_list()["members"]}
        for item in CHANNELS:
            ids[item["name"]] = _create(alice, item, ids)
        yield Side(
            ken=ken,
            poor=_client("xoxb-poor", url),
            nobody=_client("xoxb-unknown", url),
            ids=ids,
            write=lambda channel, text: str(
                alice.chat_postMessage(channel=ids[channel], text=text)["ts"]
            ),
        )


def _create(alice: WebClient, item: Json, ids: dict[str, str]) -> str:
    """Create a channel as in CHANNELS and return its id."""
    order = {"name": item["name"], "is_private": item.get("is_private", False)}
    answer = alice.api_call("conversations.create", json=order)
    channel_id = str(answer["channel"]["id"])
    others = [ids[name] for name in item["members"] if name != "alice"]
    if others:
        alice.conversations_invite(channel=channel_id, users=others)
    if item.get("is_archived"):
        alice.conversations_archive(channel=channel_id)
    return channel_id


@contextmanager
def _emulate(seed: Json) -> Iterator[str]:
    node = shutil.which("node")
    if not node:
        pytest.skip("there is no Node to run npm emulate with")
    folder = installed("emulate", VERSION)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = Path(__file__).with_name("emulate.mjs")
    process = subprocess.Popen(
        [node, str(driver), str(folder), str(port), json.dumps(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline().startswith(b"http://"), "emulate did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()


def _client(token: str, url: str) -> WebClient:
    return WebClient(token, base_url=f"{url}/api/", retry_handlers=[])


@pytest.fixture(scope="module")
def sides() -> Iterator[tuple[Side, Side]]:
    with theirs() as other, ours() as own:
        yield own, other


def refused(call: Callable[[], Any]) -> str:
    """Return the call's error, or that there was none."""
    try:
        call()
    except SlackApiError as error:
        return str(error.response["error"])
    return "ok"


def post(side: Side, channel: str, **content: Any) -> str:
    return refused(lambda: side.ken.chat_postMessage(channel=side.ids[channel], **content))


def thread(side: Side, **more: Any) -> list[Json]:
    """Ask as Alice, answer twice as Ken, and return what is read back."""
    channel, root = side.ids["shared"], side.write("shared", "what?")
    for text in ("one", "two"):
        side.ken.chat_postMessage(channel=channel, thread_ts=root, text=text, metadata=METADATA)
    answer = side.ken.conversations_replies(channel=channel, ts=root, **more)
    return list(answer["messages"])


def members(side: Side) -> object:
    found = side.ken.conversations_members(channel=side.ids["shared"])["members"]
    return sorted(side.name(user_id) for user_id in found)


def members_by_page(side: Side) -> object:
    pages = side.ken.conversations_members(channel=side.ids["shared"], limit=2)
    return [len(page["members"]) for page in pages]


def members_of_a_strange_channel(side: Side) -> object:
    return refused(lambda: side.ken.conversations_members(channel=side.ids["closed"]))


def members_of_no_channel(side: Side) -> object:
    return refused(lambda: side.ken.conversations_members(channel="C0NOWHERE"))


def replies(side: Side) -> object:
    root, *found = thread(side)
    assert [message["thread_ts"] for message in found] == [root["ts"]] * 2
    return root["reply_count"], [(message["text"], side.name(message["user"])) for message in found]


def replies_with_metadata(side: Side) -> object:
    return [message.get("metadata") for message in thread(side, include_all_metadata=True)]


def replies_to_nothing(side: Side) -> object:
    channel = side.ids["shared"]
    return refused(lambda: side.ken.conversations_replies(channel=channel, ts="1.000001"))


def history(side: Side) -> object:
    for text in ("first", "second"):
        side.write("board", text)
    answer = side.ken.conversations_history(channel=side.ids["board"])
    texts = [message["text"] for message in answer["messages"] if "subtype" not in message]
    return texts[:2], answer["has_more"]


def one_person(side: Side) -> object:
    user = side.ken.users_info(user=side.ids["alice"])["user"]
    profile = user["profile"]
    return user["name"], user["deleted"], user["is_bot"], profile["real_name"], profile["email"]


def an_unknown_person(side: Side) -> object:
    return refused(lambda: side.ken.users_info(user="U0NOBODY"))


def by_address(side: Side) -> object:
    found = side.ken.users_lookupByEmail(email="bob@acme.example")["user"]["name"]
    return found, refused(lambda: side.ken.users_lookupByEmail(email="no@acme.example"))


def everybody(side: Side) -> object:
    names = {user["name"] for user in side.ken.users_list()["members"]}
    return sorted(names & {"alice", "bob", "ken"})


def one_channel(side: Side) -> object:
    def about(name: str) -> object:
        answer = side.ken.conversations_info(channel=side.ids[name], include_num_members=True)
        shape = answer["channel"]
        kept = ("name", "is_private", "is_archived", "is_member", "num_members")
        return {key: shape[key] for key in kept}

    return [about(name) for name in ("shared", "open", "board", "old")]


def a_post_where_ken_is_not(side: Side) -> object:
    return post(side, "open", text="x")


def a_post_into_a_strange_channel(side: Side) -> object:
    return post(side, "closed", text="x")


def a_post_into_an_archive(side: Side) -> object:
    return post(side, "old", text="x")


def a_post_into_nothing(side: Side) -> object:
    return refused(lambda: side.ken.chat_postMessage(channel="C0NOWHERE", text="x"))


def a_history_where_ken_is_not(side: Side) -> object:
    return refused(lambda: side.ken.conversations_history(channel=side.ids["open"]))


def a_reaction_where_ken_is_not(side: Side) -> object:
    place: Json = {"channel": side.ids["open"], "timestamp": "1.000001", "name": "eyes"}
    return refused(lambda: side.ken.reactions_add(**place))


def a_token_that_nobody_gave_out(side: Side) -> object:
    return refused(lambda: side.nobody.users_info(user=side.ids["alice"]))


def posts_without_content(side: Side) -> object:
    return post(side, "shared"), post(side, "shared", text="")


def a_change(side: Side) -> object:
    channel = side.ids["shared"]
    own = side.ken.chat_postMessage(channel=channel, text="old")["ts"]
    theirs_ts = side.write("shared", "hers")
    changed = side.ken.chat_update(channel=channel, ts=own, text="new")

    def update(ts: str) -> str:
        return refused(lambda: side.ken.chat_update(channel=channel, ts=ts, text="x"))

    return changed["text"], changed["ts"] == own, update(theirs_ts), update("1.000001")


def a_removal(side: Side) -> object:
    channel = side.ids["shared"]
    own = side.ken.chat_postMessage(channel=channel, text="mine")["ts"]
    theirs_ts = side.write("shared", "hers")

    def delete(ts: str) -> str:
        return refused(lambda: side.ken.chat_delete(channel=channel, ts=ts))

    return delete(own), delete(own), delete(theirs_ts)


def reactions(side: Side) -> object:
    channel, ts = side.ids["shared"], side.write("shared", "nice")
    place: Json = {"channel": channel, "timestamp": ts, "name": "eyes"}
    added = [refused(lambda: side.ken.reactions_add(**place)) for _ in range(2)]
    (message,) = side.ken.conversations_replies(channel=channel, ts=ts)["messages"]
    shown = [(r["name"], r["count"], len(r["users"])) for r in message["reactions"]]
    removed = [refused(lambda: side.ken.reactions_remove(**place)) for _ in range(2)]
    nowhere = refused(lambda: side.ken.reactions_add(**{**place, "timestamp": "1.000001"}))
    return added, shown, removed, nowhere


def a_home(side: Side) -> object:
    user = side.ids["alice"]
    first = side.ken.views_publish(user_id=user, view=HOME)["view"]
    second = side.ken.views_publish(user_id=user, view=HOME)["view"]
    stale = refused(lambda: side.ken.views_publish(user_id=user, view=HOME, hash=first["hash"]))
    kinds = [block["type"] for block in second["blocks"]]
    same = (second["id"] == first["id"], second["hash"] == first["hash"])
    return second["type"], kinds, second["private_metadata"], same, stale


def a_missing_scope(side: Side) -> object:
    channel = side.ids["shared"]
    with pytest.raises(SlackApiError) as caught:
        side.poor.chat_postMessage(channel=channel, text="x")
    answer = caught.value.response
    history_error = refused(lambda: side.poor.conversations_history(channel=channel))
    allowed = refused(lambda: side.poor.users_info(user=side.ids["alice"]))
    kept = [answer[name] for name in ("error", "needed", "provided")]
    return kept, history_error, allowed


def no_token(side: Side) -> object:
    return refused(lambda: WebClient(base_url=side.ken.base_url).auth_test())


def direct_messages(side: Side) -> object:
    user = side.ids["bob"]
    opened = side.ken.conversations_open(users=user)["channel"]["id"]
    posted = side.ken.chat_postMessage(channel=opened, text="hello")
    again = side.ken.conversations_open(users=user)["channel"]["id"]
    return opened == again == posted["channel"], opened[0]


def an_unknown_partner(side: Side) -> object:
    return refused(lambda: side.ken.conversations_open(users="U0NOBODY"))


def a_link(side: Side) -> object:
    channel = side.ids["shared"]
    ts = side.write("shared", "here")
    link = side.ken.chat_getPermalink(channel=channel, message_ts=ts)["permalink"]
    return str(link).endswith(f"/archives/{channel}/p{ts.replace('.', '')}")


AGREE = [
    *(members, members_of_no_channel, replies, replies_with_metadata, history),
    *(one_person, an_unknown_person, by_address, everybody, one_channel),
    *(a_post_into_an_archive, a_post_into_nothing, posts_without_content, a_change, a_removal),
    *(reactions, a_home, a_missing_scope, no_token, direct_messages, an_unknown_partner, a_link),
]

_HIDDEN = "Slack does not tell a bot of a private channel that it is not in."
_PUBLIC = "Slack wants chat:write.public for a channel that the bot has not joined."

DIFFER: list[tuple[Callable[[Side], object], object, object, str]] = [
    (members_of_a_strange_channel, "channel_not_found", "not_in_channel", _HIDDEN),
    (a_post_into_a_strange_channel, "channel_not_found", "not_in_channel", _HIDDEN),
    (a_post_where_ken_is_not, "not_in_channel", "ok", _PUBLIC),
    (a_history_where_ken_is_not, "not_in_channel", "ok", "Slack lists it for this method."),
    (a_reaction_where_ken_is_not, "no_access", "message_not_found", "Access is looked at first."),
    (replies_to_nothing, "thread_not_found", "ok", "Slack lists it for this method."),
    (members_by_page, [2, 1], [3], "emulate gives all members at once, whatever the limit."),
    (
        a_token_that_nobody_gave_out,
        "invalid_auth",
        "missing_scope",
        "emulate takes every token; an unknown one just has no scopes.",
    ),
]
"""Where the two differ: the answer of each, and why the double's is kept."""


@pytest.mark.parametrize("look", AGREE, ids=lambda look: look.__name__)
def test_both_give_the_same_answers(
    sides: tuple[Side, Side], look: Callable[[Side], object]
) -> None:
    own, other = sides
    assert look(own) == look(other)


@pytest.mark.parametrize(("look", "mine", "theirs_is", "reason"), DIFFER, ids=lambda item: None)
def test_they_differ_only_where_the_list_says(
    sides: tuple[Side, Side],
    look: Callable[[Side], object],
    mine: object,
    theirs_is: object,
    reason: str,
) -> None:
    own, other = sides
    assert (look(own), look(other)) == (mine, theirs_is), reason


@needs_shared
def test_what_only_the_double_answers_is_listed_by_slack() -> None:
    for method, error in (
        ("conversations.members", "channel_not_found"),
        ("chat.postMessage", "channel_not_found"),
        ("chat.postMessage", "not_in_channel"),
        ("conversations.history", "not_in_channel"),
        ("reactions.add", "no_access"),
        ("conversations.replies", "thread_not_found"),
        ("users.info", "invalid_auth"),
    ):
        check_error(method, error)
