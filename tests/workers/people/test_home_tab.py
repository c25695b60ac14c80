"""The home tab and the suggested prompts: somebody's own, and only of what they may read."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from bot.playground.blocks.block_kit import MOST_IN_VIEW, check_blocks
from bot.playground.client import Playground
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from policies import Class
from policies.described import Permissions
from policies.tables.content import Document
from policies.tables.people import User, UserStatus
from policies.tables.sources import Source
from tests.bot.slack_schemas import check_calls
from tests.workers.pressed import all_text, answered, pressed, texts
from tests.workers.replies.test_rendering import PAYLOADS
from tests.workers.slack_company import TEAM, WORKSPACE, Company, kept
from workers import errands
from workers.answering import searching, suggestions
from workers.errors import LayersDisagree, SlackRefused, SlackUnavailable
from workers.intake.messages import Surface, storable
from workers.people import home_contents, home_tab, home_view, preferences, reading
from workers.replies.inert import inert
from workers.services import Services

Json = dict[str, Any]


def only(*principals: int) -> Permissions:
    return Permissions(allow=frozenset(principals))


def shown(company: Company, person: str = "alice") -> Json:
    """The home tab of somebody, published just now."""
    user_id = f"U{person.upper()}"
    home_tab.publish(company.services, TEAM, user_id)
    view: Json = company.slack.surfaces()["homes"][user_id]
    return view


def blocks_of(view: Json) -> list[Json]:
    """Without the ids that Slack gives to blocks."""
    return [{k: v for k, v in block.items() if k != "block_id"} for block in view["blocks"]]


def prompts(company: Company, person: str = "alice") -> list[Json]:
    user_id = f"U{person.upper()}"
    channel_id = f"D{user_id}"
    company.slack.dm(user_id, "hello")
    suggestions.suggest(company.services, TEAM, user_id, channel_id)
    found: list[Json] = company.slack.surfaces()["prompts"][channel_id]
    return found


def second_source(company: Company, name: str, *, title: str, permissions: Permissions) -> None:
    """A document in a source of its own."""
    library = company.library
    was = library.source_id
    with library.change() as change:
        library.source_id = change.put_source(name)
    library.document(f"page of {name}", "canary", permissions, title=title)
    library.source_id = was


def set_source(company: Company, name: str, **values: object) -> None:
    with company.library.database.session("indexer") as session:
        session.execute(update(Source).where(Source.name == name).values(**values))


# Who somebody is


def test_home_and_prompts_end_to_end(company: Company) -> None:
    """Another workspace, in which people have names, titles and addresses."""
    told = copy.deepcopy(WORKSPACE)
    told["users"][0] |= {
        "real_name": "Alice Adams",
        "email": "alice@acme.example",
        "title": "Head of Finance",
    }
    alice = company.person("alice")
    company.library.document("hers", "The budget is ten million.", only(alice), title="Budget 2026")
    with running(read_workspace(told)) as url:
        slack = Playground(url)
        settings = company.services.settings.model_copy(update={"slack_api_url": slack.api_url})
        connected = replace(company.services, settings=settings)
        home_tab.publish(connected, TEAM, "UALICE")
        slack.dm("UALICE", "hello")
        suggestions.suggest(connected, TEAM, "UALICE", "DUALICE")
        surfaces = slack.surfaces()
        check_calls(slack.calls())

    words = all_text(surfaces["homes"]["UALICE"]["blocks"])
    assert "In Slack you are Alice Adams, alice@acme.example, Head of Finance." in words
    assert "This account belongs to Alice in your company." in words
    assert "An administrator linked it." in words
    assert "world" in words
    asked = "What is the budget?"
    assert surfaces["prompts"]["DUALICE"] == [{"title": asked, "message": asked}]


def test_somebody_without_a_link_sees_what_that_means(company: Company) -> None:
    """Threat 10: a user of ours of the same name is nobody's account."""
    company.person("alice", linked=False)
    company.library.document("page", "canary", only(Class.MEMBERS))

    words = all_text(shown(company)["blocks"])

    assert "I cannot match this Slack account to anyone in your company's directory" in words
    assert "Ask your administrator for a code" in words
    assert "This account belongs to" not in words
    assert "So far I have no documents that you may read." in words


def test_what_the_company_says_of_somebody_is_theirs_to_see(company: Company) -> None:
    alice, bob = company.person("alice"), company.person("bob")
    with company.library.database.session("indexer") as session:
        for user_id, team in ((alice, "Finance"), (bob, "Secret")):
            told = {"title": "Boss", "team": team, "unknown": "hidden"}
            session.execute(update(User).where(User.id == user_id).values(profile=told))

    words = all_text(shown(company)["blocks"])

    assert "directory: title Boss, team Finance" in words
    assert "hidden" not in words
    assert "Secret" not in words


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.DELETED])
def test_somebody_inactive_reads_nothing_and_sees_why(company: Company, status: UserStatus) -> None:
    """Threat 9."""
    company.person("alice", status=status)
    company.library.document("page", "canary", only(Class.INTERNET), title="Canary")

    words = all_text(shown(company)["blocks"])

    assert "is no longer active" in words
    assert "So far I have no documents that you may read." in words
    assert prompts(company) == [{"title": suggestions._HELP, "message": suggestions._HELP}]


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("code", "You linked it with a code."),
        ("confirmed e-mail", "It was linked by your confirmed e-mail address."),
        ("scim", "Your company's identity provider linked it."),
        ("/folder/links.jsonl", "An administrator linked it."),
    ],
)
def test_the_home_says_what_made_the_link(company: Company, by: str, words: str) -> None:
    alice = company.person("alice", linked=False)
    with company.library.change() as change:
        change.link(alice, change.put_source(f"slack:{TEAM}"), "UALICE", by=by)

    told = all_text(shown(company)["blocks"])

    assert words in told
    assert "folder" not in told


# What they may read


def test_only_sources_with_something_to_read_are_named(company: Company) -> None:
    """Threats 1 and 16: the name of a source is content; every byte stays the same."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is ten million.", only(alice))
    before = blocks_of(shown(company))

    second_source(company, "canary source", title="Canary", permissions=only(bob))
    second_source(company, "nobody's source", title="Canary", permissions=Permissions())

    assert blocks_of(shown(company)) == before
    assert "world" in all_text(before)
    assert "canary source" in all_text(shown(company, "bob")["blocks"])


def test_a_source_says_when_its_permissions_were_synced(company: Company) -> None:
    alice = company.person("alice")
    company.library.document("hers", "text", only(alice))
    with company.library.database.session("indexer") as session:
        now = session.execute(text("SELECT now()")).scalar_one()
    set_source(company, "world", synced_at=now)

    view = shown(company)

    dates = [leaf["timestamp"] for leaf in _leaves(view["blocks"]) if leaf.get("type") == "date"]
    assert dates == [int(now.timestamp())]
    assert home_view._OUT_OF_DATE not in all_text(view["blocks"])


def test_a_source_that_is_out_of_date_is_not_named_to_anybody(company: Company) -> None:
    """Design, section 4: people see that a source is out of date; the same words for all."""
    alice, _bob = company.person("alice"), company.person("bob")
    second_source(company, "canary source", title="Canary", permissions=only(alice))
    set_source(company, "canary source", max_staleness=timedelta(hours=1), synced_at=None)

    for person in ("alice", "bob"):
        words = all_text(shown(company, person)["blocks"])
        assert "canary" not in words
        assert home_view._OUT_OF_DATE in words
    assert prompts(company)[0]["title"] == suggestions._HELP


def test_of_very_many_sources_some_are_named(company: Company) -> None:
    alice = company.person("alice")
    for number in range(home_contents.MOST_SOURCES + 3):
        second_source(
            company, f"source {number:03} {'x' * 500}", title="T", permissions=only(alice)
        )

    view = shown(company)

    named = [words for words in texts(view["blocks"]) if words.startswith("source ")]
    assert len(named) == home_contents.MOST_SOURCES
    assert max(map(len, named)) == home_view._LONGEST_NAME
    assert "And more." in all_text(view["blocks"])
    check_blocks(blocks_of(view), most=MOST_IN_VIEW)


# Their questions


def test_the_last_five_questions_of_this_account_are_shown(company: Company) -> None:
    """Threat 15: nobody else's, and none that was asked at the terminal."""
    alice = company.person("alice")
    for number in range(7):
        kept(words=f"question {number} " + "?" * 200, channel_id="CALL")
    kept(words="canary of bob", user_id="UBOB")
    kept(words="canary of the terminal", user_id="UALICE", surface=Surface.TERMINAL)
    kept(words="canary of the terminal", user_id=str(alice), surface=Surface.TERMINAL)
    first = kept(words="and an answer")
    answered(company, first)

    words = [one for one in texts(shown(company)["blocks"]) if "question" in one or "and an" in one]

    listed = [one for one in words if one.endswith("…") or one == "and an answer"]
    assert [one[:10] for one in listed] == ["and an ans", *(f"question {n}" for n in (6, 5, 4, 3))]
    assert {len(one) for one in listed[1:]} == {100}
    told = all_text(shown(company)["blocks"])
    assert "and an answer (answered, " in told
    assert "(I am working on it, " in told
    assert "canary" not in told


def test_row_security_shows_an_account_its_own_questions_alone(company: Company) -> None:
    """Threat 32: no other account, workspace or surface, and nothing to who says nothing."""
    kept(words="mine")
    kept(words="theirs", user_id="UBOB")
    kept(words="at the terminal", surface=Surface.TERMINAL)
    seen = {}
    for asker in ("", "T1/UALICE", "T1/UBOB", "T2/UALICE", "/UALICE", "T1/", "%"):
        with company.library.database.session("answerer") as session:
            session.execute(preferences._ACT_AS_ASKER, {"asker": asker})
            seen[asker] = session.scalars(text("SELECT text FROM question")).all()
            changed = session.execute(text("UPDATE question SET reason = 'x' RETURNING id")).all()
            assert changed == []
    assert seen.pop("T1/UALICE") == ["mine"]
    assert seen.pop("T1/UBOB") == ["theirs"]
    assert set(map(tuple, seen.values())) == {()}


def test_a_code_and_forgotten_words_are_not_shown(company: Company) -> None:
    code = kept(words="link ABCD-EFGH-JKMN-PQRS")
    answered(company, code)
    assert "(a link code)" in all_text(shown(company)["blocks"])

    errands.change_preferences(company.services, pressed("forget"))
    kept(words="")

    words = all_text(shown(company)["blocks"])
    assert "(forgotten)" in words
    assert "(no text)" in words


def test_a_person_who_has_asked_nothing_sees_that(company: Company) -> None:
    kept(words="canary", user_id="UBOB")
    assert "You have not asked me anything yet." in all_text(shown(company)["blocks"])


# What somebody wrote is inert


def test_nothing_that_people_wrote_is_active_in_a_home_or_a_prompt(company: Company) -> None:
    """Threats 20 and 22: names, sources, titles and questions."""
    alice = company.person("alice")
    page = company.library.document("page", "text", only(alice))
    for payload in map(storable, PAYLOADS):
        with company.library.database.session("indexer") as session:
            hostile = {"name": payload, "profile": {"title": payload, "manager": payload}}
            session.execute(update(User).where(User.id == alice).values(**hostile))
            session.execute(update(Document).where(Document.id == page).values(title=payload))
            named = update(Source).where(Source.id == company.library.source_id)
            session.execute(named.values(name=payload))
        kept(words=payload)

        view = shown(company)

        told = [*texts(view["blocks"]), *(one["message"] for one in prompts(company))]
        assert [one for one in told if inert(one) != " ".join(one.split())] == []
        kinds = {leaf.get("type") for leaf in _leaves(view["blocks"])}
        assert not kinds & _ACTIVE


# Choices, and who administers


def test_choices_are_shown_as_they_are(company: Company) -> None:
    view = shown(company)
    assert _chosen(view) == {"ken_language": "asked", "ken_length": "normal"}
    assert _button(view, "ken_mute")["value"] == "true"
    forget = _button(view, "ken_forget")
    assert forget["confirm"]["text"]["text"] == home_view._FORGET_WORDS

    errands.change_preferences(
        company.services, pressed("preferences", language="de", length="short")
    )
    errands.change_preferences(company.services, pressed("mute", muted=True))

    view = company.slack.surfaces()["homes"]["UALICE"]
    assert _chosen(view) == {"ken_language": "de", "ken_length": "short"}
    assert _button(view, "ken_mute")["value"] == "false"


def test_only_administrators_see_the_admin_page(company: Company) -> None:
    url = "https://ken.acme.example/admin"
    settings = company.services.settings.model_copy(
        update={"admins": ("UALICE",), "admin_page_url": url}
    )
    company.services = replace(company.services, settings=settings)

    assert _button(shown(company), "ken_admin")["url"] == url
    assert url not in json.dumps(shown(company, "bob"))


# When it is published


def test_a_home_that_nobody_looked_at_is_not_published(company: Company) -> None:
    home_tab.publish_if_shown(company.services, TEAM, "UALICE")
    assert company.slack.calls("views.publish") == []

    home_tab.publish(company.services, TEAM, "UALICE")
    home_tab.publish_if_shown(company.services, TEAM, "UALICE")
    home_tab.publish_if_shown(company.services, TEAM, "UBOB")
    assert [call.arguments["user_id"] for call in company.slack.calls("views.publish")] == [
        "UALICE",
        "UALICE",
    ]


def test_a_home_that_could_not_be_published_was_not_shown(company: Company) -> None:
    company.slack.fault("error", method="views.publish", error="internal_error")
    with pytest.raises(SlackUnavailable):
        home_tab.publish(company.services, TEAM, "UALICE")
    assert not home_tab.is_shown(company.services, TEAM, "UALICE")

    home_tab.publish(company.services, TEAM, "UALICE")
    company.slack.fault("error", method="views.publish", error="internal_error")
    home_tab.publish_if_shown(company.services, TEAM, "UALICE")
    assert len(company.slack.calls("views.publish")) == 3


def test_a_change_waits_for_a_home_that_is_on_its_way(company: Company) -> None:
    """So the home that is published last shows the choices that were made last."""
    locked = []

    class Slow(_Quiet):
        def publish_home(self, user_id: str, view: Json) -> None:
            with company.library.database.session("answerer") as session:
                free = "SELECT user_id FROM preference FOR UPDATE SKIP LOCKED"
                locked.append(session.scalars(text(free)).all())

    with _spoken_through(Slow()):
        errands.change_preferences(company.services, pressed("mute", muted=True))
        home_tab.publish(company.services, TEAM, "UALICE")

    assert locked == [[]]


def test_somebody_whom_slack_does_not_show_has_a_home_all_the_same(company: Company) -> None:
    views: list[Json] = []

    class Blind(_Quiet):
        def publish_home(self, user_id: str, view: Json) -> None:
            views.append(view)

    company.person("alice")
    with _spoken_through(Blind()):
        home_tab.publish(company.services, TEAM, "UALICE")

    assert "In Slack you are" not in all_text(views)
    assert "This account belongs to Alice" in all_text(views)


def test_when_two_checks_differ_nothing_is_shown(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design, section 4: layers that disagree abort."""
    alice = company.person("alice")
    company.library.document("hers", "The canary budget is 10 euros.", only(alice), title="Canary")
    for module in (reading, searching):
        monkeypatch.setattr(module, "unreadable", lambda session, audience, ids: set(ids))

    with pytest.raises(LayersDisagree):
        home_tab.publish(company.services, TEAM, "UALICE")
    with pytest.raises(LayersDisagree):
        suggestions.suggest(company.services, TEAM, "UALICE", "DUALICE")
    assert "Canary" not in company.emitted()


# Prompts


def test_prompts_come_from_what_somebody_may_read(company: Company) -> None:
    """Threats 1 and 16: the same bytes for two who may read the same."""
    alice, bob = company.person("alice"), company.person("bob")
    for name in ("amber", "birch", "cedar", "dune", "ebony"):
        company.library.document(name, f"The {name} budget is 10 euros.", only(alice, bob))
    before = prompts(company)
    carl = company.person("carl")
    company.library.document("aaa", "The canary budget is 12 euros.", only(carl))

    assert before == prompts(company) == prompts(company, "bob")
    assert [one["title"] for one in before] == [
        f"What is the {name} budget?" for name in ("amber", "birch", "cedar", "dune")
    ]
    assert [one["message"] for one in prompts(company, "carl")] == ["What is the canary budget?"]


def test_what_was_updated_last_is_suggested_first(company: Company) -> None:
    alice = company.person("alice")
    company.library.document("a", "The amber budget is 10 euros.", only(alice))
    new = company.library.document("z", "The zinc budget is 10 euros.", only(alice))
    with company.library.database.session("indexer") as session:
        session.execute(text("UPDATE document SET updated_at = now() WHERE id = :id"), {"id": new})

    assert [one["title"] for one in prompts(company)] == [
        "What is the zinc budget?",
        "What is the amber budget?",
    ]


def test_what_is_revoked_is_not_suggested_any_more(company: Company) -> None:
    """Threat 6."""
    alice = company.person("alice")
    lost = company.library.document("lost", "The canary budget is 10 euros.", only(alice))
    assert "canary" in prompts(company)[0]["title"]

    with company.library.change() as change:
        change.set_permissions(lost, Permissions())

    assert prompts(company) == [{"title": suggestions._HELP, "message": suggestions._HELP}]


def test_prompts_never_go_to_a_channel(company: Company) -> None:
    """Threat 11: others read there."""
    alice = company.person("alice")
    company.library.document("hers", "The canary budget is 10 euros.", only(alice))

    suggestions.suggest(company.services, TEAM, "UALICE", "CALL")

    assert "canary" not in company.emitted()


# -- what these tests share ----------------------------------------------------------------------


_ACTIVE = {"mrkdwn", "link", "user", "usergroup", "broadcast", "channel", "emoji", "image"}


class _Quiet:
    """A Slack that shows nobody, and takes everything."""

    def profile(self, user_id: str) -> Any:
        raise SlackRefused("user_not_found")

    def publish_home(self, user_id: str, view: Json) -> None:
        """Nothing comes of it."""


@contextmanager
def _spoken_through(messenger: _Quiet) -> Iterator[None]:
    """All services speak to this messenger."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Services, "messenger_of", lambda services, team_id: messenger)
        yield


def _leaves(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)


def _chosen(view: Json) -> dict[str, str]:
    selects = [leaf for leaf in _leaves(view["blocks"]) if leaf.get("type") == "static_select"]
    return {one["action_id"]: one["initial_option"]["value"] for one in selects}


def _button(view: Json, action_id: str) -> Json:
    (button,) = (leaf for leaf in _leaves(view["blocks"]) if leaf.get("action_id") == action_id)
    return button
