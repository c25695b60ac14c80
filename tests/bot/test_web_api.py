"""The unmodified SDK against every method of the double."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.web.slack_response import SlackResponse

from bot.playground.client import OrderRefused, Playground
from bot.playground.double import Access
from bot.playground.server import running
from bot.playground.workspace import WorkspaceInvalid, read_workspace
from tests.bot.slack_schemas import check_calls
from tests.bot.slack_world import WORLD

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}
METADATA = {"event_type": "ken_answer", "event_payload": {"question_id": "Q1"}}


def refused(call: Callable[[], SlackResponse]) -> str:
    with pytest.raises(SlackApiError) as caught:
        call()
    return str(caught.value.response["error"])


def test_a_wrong_token_is_refused_and_never_recorded(playground: Playground) -> None:
    stranger = WebClient("xoxb-stolen", base_url=playground.api_url)
    app = WebClient("xapp-playground", base_url=playground.api_url)

    assert refused(stranger.auth_test) == "invalid_auth"
    assert refused(WebClient(base_url=playground.api_url).auth_test) == "not_authed"
    assert refused(app.auth_test) == "not_allowed_token_type"
    assert [call.token for call in playground.calls()] == ["unknown", "", "app"]
    assert "stolen" not in str(playground.calls())


def test_auth_test_returns_ken_and_its_team(ken: WebClient) -> None:
    assert ken.auth_test()["user_id"] == "UKEN"
    assert ken.bots_info(bot="BKEN")["bot"]["user_id"] == "UKEN"
    assert ken.team_info()["team"]["domain"] == "acme"
    assert ken.api_test()["ok"]
    assert refused(lambda: ken.bots_info(bot="BNOBODY")) == "bot_not_found"
    assert refused(lambda: ken.api_test(error="made_up")) == "made_up"
    assert refused(lambda: ken.api_call("chat.shout")) == "unknown_method"


def test_people_are_described_as_slack_does(ken: WebClient) -> None:
    alice = ken.users_info(user="UALICE", include_locale=True)["user"]
    assert (alice["profile"]["title"], alice["locale"], alice["tz"]) == (
        "Head of Finance",
        "de-DE",
        "Europe/Berlin",
    )
    assert alice["profile"]["email"] == "Alice@acme.example"
    stranger = ken.users_info(user="UFAR")["user"]
    assert stranger["is_stranger"]
    assert stranger["team_id"] == "T2"
    assert ken.users_info(user="UGUEST")["user"]["is_restricted"]
    assert refused(lambda: ken.users_info(user="UNOBODY")) == "user_not_found"


def test_an_address_finds_active_people_only(ken: WebClient) -> None:
    assert ken.users_lookupByEmail(email="alice@ACME.example")["user"]["id"] == "UALICE"
    assert refused(lambda: ken.users_lookupByEmail(email="gone@acme.example")) == "users_not_found"


def test_the_pages_of_every_list_join_to_the_whole(ken: WebClient) -> None:
    def all_of(method: Callable[..., SlackResponse], key: str, **more: Any) -> list[Any]:
        found: list[Any] = []
        for number, answer in enumerate(method(limit=1, **more)):
            assert number < 20, "pages never end"
            assert len(answer[key]) == 1
            found += answer[key]
        return found

    assert [user["id"] for user in all_of(ken.users_list, "members")] == [
        user["id"] for user in ken.users_list()["members"]
    ]
    assert all_of(ken.conversations_members, "members", channel="CGENERAL") == [
        "UALICE",
        "UBOB",
        "UKEN",
        "UOTHER",
    ]
    assert [c["id"] for c in all_of(ken.conversations_list, "channels")] == [
        "CEMPTY",
        "CGENERAL",
        "COLD",
        "CSHARED",
    ]
    types = "public_channel,private_channel,mpim,im"
    assert len(all_of(ken.users_conversations, "channels", types=types)) == 8


def test_unknown_cursors_and_wrong_limits_are_refused(ken: WebClient) -> None:
    for cursor in ("nonsense", "bmV4dDpVTk9CT0RZ"):
        assert refused(lambda c=cursor: ken.users_list(cursor=c)) == "invalid_cursor"  # type: ignore[misc]
    assert refused(lambda: ken.conversations_list(limit=-1)) == "invalid_limit"
    assert refused(lambda: ken.conversations_list(types="dungeon")) == "invalid_types"


def test_channels_show_their_kind_and_private_ones_are_hidden(ken: WebClient) -> None:
    general = ken.conversations_info(channel="CGENERAL", include_num_members=True)["channel"]
    assert (general["is_member"], general["num_members"]) == (True, 4)
    assert not ken.conversations_info(channel="CEMPTY")["channel"]["is_member"]
    assert ken.conversations_info(channel="CSHARED")["channel"]["is_ext_shared"]
    assert ken.conversations_info(channel="CBOARD")["channel"]["is_private"]
    assert ken.conversations_info(channel="GTRIO")["channel"]["is_mpim"]
    assert ken.conversations_info(channel="DUALICE")["channel"]["user"] == "UALICE"
    for call in (ken.conversations_info, ken.conversations_members, ken.conversations_history):
        assert refused(lambda c=call: c(channel="CSECRET")) == "channel_not_found"  # type: ignore[misc]


def test_ken_joins_public_channels_and_no_others(ken: WebClient) -> None:
    assert refused(lambda: ken.conversations_history(channel="CEMPTY")) == "not_in_channel"
    ken.conversations_join(channel="CEMPTY")
    ken.conversations_history(channel="CEMPTY")
    assert refused(lambda: ken.conversations_join(channel="CSECRET")) == "channel_not_found"
    assert refused(lambda: ken.conversations_join(channel="COLD")) == "is_archived"
    assert (
        refused(lambda: ken.conversations_join(channel="GTRIO"))
        == "method_not_supported_for_channel_type"
    )


def test_direct_messages_open_for_one_or_several(ken: WebClient) -> None:
    assert ken.conversations_open(users="UALICE")["channel"]["id"] == "DUALICE"
    trio = ken.conversations_open(users=["UALICE", "UBOB"], return_im=True)["channel"]
    assert trio["id"] == "GTRIO"
    pair = ken.conversations_open(users=["UALICE", "UGUEST"])["channel"]["id"]
    assert ken.conversations_open(channel=pair)["channel"]["id"] == pair
    assert refused(lambda: ken.conversations_open(users="UGONE")) == "user_disabled"
    assert refused(lambda: ken.conversations_open(users="UNOBODY")) == "user_not_found"
    assert refused(lambda: ken.conversations_open(users="")) == "users_list_not_supplied"


def test_a_posted_message_is_read_back_with_its_metadata(ken: WebClient) -> None:
    root = ken.chat_postMessage(channel="CGENERAL", text="hello", metadata=METADATA)
    reply = ken.chat_postMessage(
        channel="CGENERAL", text="more", blocks=[SECTION], thread_ts=root["ts"], metadata=METADATA
    )

    thread = ken.conversations_replies(
        channel="CGENERAL", ts=root["ts"], include_all_metadata=True
    )["messages"]

    assert [message["ts"] for message in thread] == [root["ts"], reply["ts"]]
    assert [message["metadata"] for message in thread] == [METADATA, METADATA]
    assert thread[0]["reply_count"] == 1
    assert thread[1]["blocks"][0]["text"] == SECTION["text"]
    plain = ken.conversations_replies(channel="CGENERAL", ts=reply["ts"])["messages"]
    assert "metadata" not in plain[0]
    assert ken.conversations_history(channel="CGENERAL")["messages"][0]["ts"] == root["ts"]


def test_a_thread_is_read_in_pages_and_between_times(ken: WebClient) -> None:
    root = ken.chat_postMessage(channel="CGENERAL", text="0")["ts"]
    replies = [
        ken.chat_postMessage(channel="CGENERAL", text=str(n), thread_ts=root)["ts"]
        for n in range(1, 5)
    ]

    def texts(**more: Any) -> list[str]:
        pages = ken.conversations_replies(channel="CGENERAL", ts=root, **more)
        return [message["text"] for page in pages for message in page["messages"]]

    assert texts(limit=2) == ["0", "1", "2", "3", "4"]
    assert texts(oldest=replies[1]) == ["0", "3", "4"]
    assert texts(oldest=replies[1], inclusive=True) == ["0", "2", "3", "4"]
    assert texts(latest=replies[1]) == ["0", "1"]
    assert refused(lambda: texts(oldest="yesterday")) == "invalid_ts_oldest"  # type: ignore[arg-type,return-value]
    assert (
        refused(lambda: ken.conversations_replies(channel="CGENERAL", ts="1.000001"))
        == "thread_not_found"
    )


def test_posting_follows_the_bounds_of_channels(ken: WebClient) -> None:
    def post(channel: str, **more: Any) -> str:
        return refused(lambda: ken.chat_postMessage(channel=channel, text="hello", **more))

    assert post("CEMPTY") == "not_in_channel"
    assert post("CSECRET") == "channel_not_found"
    assert post("CNOWHERE") == "channel_not_found"
    assert post("COLD") == "is_archived"
    assert post("CGENERAL", thread_ts="1.000001") == "cannot_reply_to_message"
    assert ken.chat_postMessage(channel="#general", text="by name")["channel"] == "CGENERAL"
    assert ken.chat_postMessage(channel="UBOB", text="to a person")["channel"] == "DUBOB"


def too_many() -> list[dict[str, Any]]:
    return [{"type": "divider"}] * 51


def section(length: int) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * length}}


def rich(*leaves: dict[str, Any]) -> dict[str, Any]:
    inner = {"type": "rich_text_section", "elements": list(leaves)}
    return {"type": "rich_text", "elements": [inner]}


def header(length: int) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": "x" * length}}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({}, "no_text"),
        ({"text": " "}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "markdown_text": "x"}, "markdown_text_conflict"),
        ({"text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": {"type": "divider"}}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": too_many()}, "invalid_blocks"),
        ({"text": "x", "blocks": [section(3001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section(0)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [header(151)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section(3000)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": [{**SECTION, "colour": "red"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{**SECTION, "block_id": "1"}] * 2}, "invalid_blocks"),
        ({"text": "x", "blocks": [rich({"type": "text"})]}, "invalid_blocks"),
        ({"text": "x", "blocks": [rich({"type": "blink", "text": "x"})]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "rich_text", "elements": []}]}, "invalid_blocks"),
        ({"text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_schema"),
        (
            {"text": "x", "metadata": {"event_type": "x", "event_payload": {"x": "x" * 4000}}},
            "metadata_too_large",
        ),
    ],
)
def test_content_that_slack_would_refuse_is_refused(
    ken: WebClient, content: dict[str, Any], error: str
) -> None:
    assert refused(lambda: ken.chat_postMessage(channel="CGENERAL", **content)) == error


@pytest.mark.parametrize("text", ["x" * 4_001, "各" * 1_334])
def test_an_update_allows_less_text_than_a_new_message(ken: WebClient, text: str) -> None:
    posted = ken.chat_postMessage(channel="CGENERAL", text=text)
    ts = str(posted["ts"])
    too_long = refused(lambda: ken.chat_update(channel="CGENERAL", ts=ts, text=text))
    assert too_long == "msg_too_long"
    ken.chat_update(channel="CGENERAL", ts=ts, text=text[:1_300])


def test_the_largest_content_is_accepted(ken: WebClient) -> None:
    ken.chat_postMessage(channel="CGENERAL", text="x" * 40_000)
    ken.chat_postMessage(channel="CGENERAL", text="x", blocks=[section(3000), header(150)])
    ken.chat_postMessage(channel="CGENERAL", blocks=[{"type": "divider"}] * 50)
    ken.chat_postMessage(channel="CGENERAL", markdown_text="**x**")
    link = {"type": "link", "url": "https://acme.example", "text": "x", "style": {"bold": True}}
    ken.chat_postMessage(channel="CGENERAL", text="x", blocks=[rich(link)])
    feedback = {
        "type": "feedback_buttons",
        "action_id": "f",
        "positive_button": {"text": {"type": "plain_text", "text": "y"}, "value": "y"},
        "negative_button": {"text": {"type": "plain_text", "text": "n"}, "value": "n"},
    }
    ken.chat_postMessage(
        channel="CGENERAL", text="x", blocks=[{"type": "context_actions", "elements": [feedback]}]
    )


def test_an_update_keeps_what_it_does_not_name(ken: WebClient, playground: Playground) -> None:
    ts = ken.chat_postMessage(
        channel="CGENERAL", text="a", blocks=[SECTION], metadata=METADATA
    ).data["ts"]  # type: ignore[call-overload]
    ken.chat_update(channel="CGENERAL", ts=ts, text="b")
    (message,) = playground.messages("CGENERAL")
    assert (message.text, len(message.blocks), message.metadata) == ("b", 1, METADATA)
    ken.chat_update(channel="CGENERAL", ts=ts, text="c", blocks=[], metadata={})
    (message,) = playground.messages("CGENERAL")
    assert (message.text, message.blocks, message.metadata) == ("c", [], {})
    assert message.edited_ts


def test_ken_changes_its_own_messages_only(ken: WebClient, playground: Playground) -> None:
    theirs = playground.say("general", "alice", "mine").ts
    own = ken.chat_postMessage(channel="CGENERAL", text="Ken's")["ts"]

    assert (
        refused(lambda: ken.chat_update(channel="CGENERAL", ts=theirs, text="x"))
        == "cant_update_message"
    )
    assert refused(lambda: ken.chat_delete(channel="CGENERAL", ts=theirs)) == "cant_delete_message"
    ken.chat_delete(channel="CGENERAL", ts=own)
    assert refused(lambda: ken.chat_delete(channel="CGENERAL", ts=own)) == "message_not_found"


def test_a_deleted_root_leaves_a_tombstone_for_its_thread(
    ken: WebClient, playground: Playground
) -> None:
    root = playground.say("general", "alice", "question").ts
    ken.chat_postMessage(channel="CGENERAL", text="answer", thread_ts=root)
    playground.delete("general", root)

    thread = ken.conversations_replies(channel="CGENERAL", ts=root)["messages"]

    assert [message.get("subtype", "") for message in thread] == ["tombstone", ""]


def test_an_ephemeral_message_is_in_no_history(ken: WebClient, playground: Playground) -> None:
    ken.chat_postEphemeral(channel="CGENERAL", user="UALICE", text="psst")

    assert [seen.ephemeral_to for seen in playground.messages("general")] == ["UALICE"]
    assert ken.conversations_history(channel="CGENERAL")["messages"] == []
    assert (
        refused(lambda: ken.chat_postEphemeral(channel="CGENERAL", user="UGUEST", text="psst"))
        == "user_not_in_channel"
    )


def test_a_permalink_names_channel_message_and_thread(ken: WebClient) -> None:
    root = ken.chat_postMessage(channel="CGENERAL", text="0")["ts"]
    reply = ken.chat_postMessage(channel="CGENERAL", text="1", thread_ts=root)["ts"]
    link = ken.chat_getPermalink(channel="CGENERAL", message_ts=reply)["permalink"]
    digits = reply.replace(".", "")
    page = f"https://acme.slack.com/archives/CGENERAL/p{digits}"
    assert link == f"{page}?thread_ts={root}&cid=CGENERAL"


def test_a_reaction_is_added_and_removed_once(ken: WebClient, playground: Playground) -> None:
    ts = playground.say("general", "alice", "hello").ts
    item = {"channel": "CGENERAL", "timestamp": ts, "name": "eyes"}
    ken.reactions_add(**item)
    assert refused(lambda: ken.reactions_add(**item)) == "already_reacted"
    assert playground.messages("general")[0].reactions == {"eyes": ["UKEN"]}
    ken.reactions_remove(**item)
    assert refused(lambda: ken.reactions_remove(**item)) == "no_reaction"
    assert refused(lambda: ken.reactions_add(**{**item, "name": "Eyes!"})) == "invalid_name"
    assert refused(lambda: ken.reactions_add(**{**item, "timestamp": "x"})) == "bad_timestamp"


def test_a_status_stays_until_ken_writes_in_the_thread(
    ken: WebClient, playground: Playground
) -> None:
    asked = playground.dm("alice", "how many days off?")
    thread: dict[str, Any] = {"channel_id": asked.channel, "thread_ts": asked.ts}
    ken.assistant_threads_setStatus(**thread, status="is reading", loading_messages=["Reading"])
    ken.assistant_threads_setTitle(**thread, title="Days off")
    prompts = [{"title": "Holidays", "message": "How many days off do I have?"}]
    ken.assistant_threads_setSuggestedPrompts(channel_id=asked.channel, prompts=prompts)
    place = f"{asked.channel}/{asked.ts}"
    assert playground.surfaces()["statuses"] == {place: "is reading"}
    assert playground.surfaces()["titles"] == {place: "Days off"}
    assert playground.surfaces()["prompts"] == {asked.channel: prompts}

    ken.chat_postMessage(channel=asked.channel, thread_ts=asked.ts, text="30")

    assert playground.surfaces()["statuses"] == {}
    bad = {**thread, "thread_ts": "1.000001"}
    assert (
        refused(lambda: ken.assistant_threads_setStatus(**bad, status="x")) == "invalid_thread_ts"
    )


def test_a_home_is_published_for_one_person(ken: WebClient, playground: Playground) -> None:
    view = {"type": "home", "blocks": [SECTION]}
    first = ken.views_publish(user_id="UALICE", view=view)["view"]
    second = ken.views_publish(user_id="UALICE", view=view, hash=first["hash"])["view"]
    assert second["id"] == first["id"]
    assert set(playground.surfaces()["homes"]) == {"UALICE"}
    assert (
        refused(lambda: ken.views_publish(user_id="UALICE", view=view, hash=first["hash"]))
        == "hash_conflict"
    )
    bad = {"type": "home", "blocks": [{"type": "marquee"}]}
    assert refused(lambda: ken.views_publish(user_id="UALICE", view=bad)) == "invalid_arguments"


def test_a_modal_opens_once_for_each_trigger(ken: WebClient, playground: Playground) -> None:
    title = {"type": "plain_text", "text": "Hello"}
    view = {"type": "modal", "title": title, "blocks": [SECTION]}
    pressed = playground.trigger("alice")
    ken.views_open(trigger_id=pressed, view=view)
    assert refused(lambda: ken.views_open(trigger_id=pressed, view=view)) == "exchanged_trigger_id"
    assert refused(lambda: ken.views_open(trigger_id="x", view=view)) == "invalid_trigger_id"


def test_missing_arguments_are_named(ken: WebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        ken.api_call("chat.postMessage", json={"text": "to nobody"})
    assert caught.value.response["error"] == "invalid_arguments"
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] missing required field: channel"
    ]


def test_form_json_and_query_are_equivalent(ken: WebClient) -> None:
    arguments = {"channel": "CGENERAL", "text": "hello", "unfurl_links": False}
    for sent in ({"json": arguments}, {"data": arguments}, {"params": arguments}):
        assert ken.api_call("chat.postMessage", **sent)["message"]["text"] == "hello"  # type: ignore[arg-type]


def test_a_rate_limit_says_when_to_come_back(ken: WebClient, playground: Playground) -> None:
    playground.fault("ratelimited", method="chat.postMessage", retry_after=7)

    with pytest.raises(SlackApiError) as caught:
        ken.chat_postMessage(channel="CGENERAL", text="hello")

    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    assert ken.chat_postMessage(channel="CGENERAL", text="hello")["ok"]


def test_the_sdk_obeys_a_rate_limit(ken: WebClient, playground: Playground) -> None:
    playground.fault("ratelimited", method="chat.postMessage", retry_after=0)
    ken.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))

    ken.chat_postMessage(channel="CGENERAL", text="hello")

    assert [call.status for call in playground.calls("chat.postMessage")] == [429, 200]


def test_limits_by_tier_hold_once_switched_on(ken: WebClient, playground: Playground) -> None:
    for _ in range(25):
        ken.users_list()
    playground.fault("tiers")
    for _ in range(20):
        ken.users_list()
    assert refused(ken.users_list) == "ratelimited"


def test_errors_and_broken_servers_can_be_ordered(ken: WebClient, playground: Playground) -> None:
    playground.fault("error", error="token_revoked", times=2)
    assert refused(ken.auth_test) == "token_revoked"
    assert refused(ken.users_list) == "token_revoked"
    playground.fault("http", status=502)
    with pytest.raises(SlackApiError) as caught:
        ken.auth_test()
    assert caught.value.response.status_code == 502
    assert ken.auth_test()["ok"]


def test_a_dropped_answer_leaves_the_message_and_a_dropped_request_does_not(
    ken: WebClient, playground: Playground
) -> None:
    playground.fault("drop_before", method="chat.postMessage")
    with pytest.raises(OSError):  # noqa: PT011
        ken.chat_postMessage(channel="CGENERAL", text="lost")
    assert playground.messages("general") == []

    playground.fault("drop_after", method="chat.postMessage")
    with pytest.raises(OSError):  # noqa: PT011
        ken.chat_postMessage(channel="CGENERAL", text="kept")
    assert [message.text for message in playground.messages("general")] == ["kept"]


def test_invalid_orders_are_refused(playground: Playground) -> None:
    for order in (
        lambda: playground.say("general", "guest", "I am not there"),
        lambda: playground.say("nowhere", "alice", "hello"),
        lambda: playground.say("general", "nobody", "hello"),
        lambda: playground.edit("general", "1.000001", "hello"),
        lambda: playground.fault("earthquake"),
    ):
        with pytest.raises(OrderRefused):
            order()


def test_groups_of_people_are_listed() -> None:
    groups = [
        {"id": "SHELP", "name": "helpers", "users": ["UALICE", "UBOB"]},
        {"id": "SGONE", "name": "former", "deleted": True},
    ]
    allowed = Access(scopes=("usergroups:read",))
    with running(read_workspace({**WORLD, "usergroups": groups}), allowed) as url:
        slack = Playground(url)
        ken = WebClient("xoxb-playground", base_url=slack.api_url, retry_handlers=[])
        (listed,) = ken.usergroups_list(include_users=True)["usergroups"]
        assert (listed["handle"], listed["users"]) == ("helpers", ["UALICE", "UBOB"])
        everything = ken.usergroups_list(include_disabled=True)["usergroups"]
        assert [(group["id"], "users" in group) for group in everything] == [
            ("SHELP", False),
            ("SGONE", False),
        ]
        assert ken.usergroups_users_list(usergroup="SHELP")["users"] == ["UALICE", "UBOB"]
        error = refused(lambda: ken.usergroups_users_list(usergroup="SGONE"))
        assert error == "no_such_subteam"
        check_calls(slack.calls())


def test_a_group_with_an_unknown_member_makes_the_workspace_invalid() -> None:
    groups = [{"id": "SHELP", "name": "helpers", "users": ["UNOBODY"]}]
    with pytest.raises(WorkspaceInvalid, match=r"usergroups: SHELP\.users: no user 'UNOBODY'"):
        read_workspace({**WORLD, "usergroups": groups})
