"""The playground's page in headless Chromium, in front of the double; no bot listens here."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

import pytest

from bot.playground import building
from bot.playground.client import Playground
from bot.playground.pages import Page
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from tests.bot.desk import HOME, MODAL, Desk, Sit, answered, section
from tests.bot.slack_world import WORLD, Json, serving
from tests.browser import expect

NASTY = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>"


def test_it_opens_as_the_first_of_the_tour_with_their_channels(desk: Desk) -> None:
    places = desk.page.get_by_role("navigation")
    expect(places.get_by_role("button", name="general")).to_be_visible()
    expect(places.get_by_role("button", name=re.compile("board.*private"))).to_be_visible()
    expect(desk.page.locator(".act-as .current")).to_contain_text("Alice Adams")
    expect(desk.page.locator(".act-as .current")).to_contain_text("Head of Finance")
    desk.pictured("opened")


def test_another_person_has_other_channels_and_a_guest_is_marked(desk: Desk) -> None:
    desk.act_as("bob")
    assert "board" not in desk.slack()
    assert "general" in desk.slack()
    desk.act_as("guest")
    assert "general" not in desk.slack()
    expect(desk.page.locator(".act-as .current")).to_contain_text("guest")


def test_enter_sends_a_question_and_the_thread_shows_the_answer(desk: Desk) -> None:
    desk.write("How many days?\n\nof vacation")
    asked = desk.playground.wait_for(lambda: desk.playground.messages("DUALICE"))
    assert [one.text for one in asked] == ["How many days?\n\nof vacation"]
    desk.ken.assistant_threads_setStatus(
        channel_id="DUALICE", thread_ts=asked[0].ts, status="is searching…"
    )
    expect(desk.thread).to_contain_text("Ken is searching…")
    answered(desk)
    thread = desk.thread
    expect(thread).to_contain_text("Thirty days.")
    expect(thread).not_to_contain_text("is searching")
    expect(desk.page.get_by_role("button", name=re.compile("1 reply"))).to_be_visible()
    desk.pictured("answered")
    desk.page.get_by_label("Reply…").fill("Thank you")
    desk.page.keyboard.press("Enter")
    expect(thread).to_contain_text("2 replies")
    assert desk.playground.messages("DUALICE")[-1].thread_ts == asked[0].ts
    desk.page.keyboard.press("Escape")
    expect(thread).to_have_count(0)


def test_typed_text_reaches_the_bot_in_slacks_format(desk: Desk) -> None:
    desk.open("general")
    desk.page.get_by_role("button", name="@Ken").click()
    desk.page.keyboard.type("is 1 < 2 & 3, @bob?")
    desk.page.keyboard.press("Enter")
    said = desk.playground.wait_for(lambda: desk.playground.messages("general"))
    assert said[0].text == "<@UKEN> is 1 &lt; 2 &amp; 3, <@UBOB>?"
    shown = desk.page.get_by_role("article").first
    expect(shown).to_contain_text("@Ken is 1 < 2 & 3, @bob?")


def test_buttons_feedback_and_the_menu_reach_the_app_with_their_values(desk: Desk) -> None:
    desk.write("How many days?")
    expect(desk.thread).to_be_visible()
    answered(desk)
    desk.page.get_by_label("Bad").click()
    desk.thread.get_by_role("button", name="Share").click()
    desk.page.get_by_role("button", name="More", exact=True).click()
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    received = desk.playground.wait_for(
        lambda: found if len(found := desk.received("block_actions")) == 3 else None
    )
    pressed = {one["actions"][0]["action_id"]: one["actions"][0] for one in received}
    assert pressed["ken_feedback"]["value"] == "bad:7"
    assert pressed["ken_share"]["value"] == "7"
    assert pressed["ken_more"]["selected_option"]["value"] == "mute:7"
    assert {one["user"]["id"] for one in received} == {"UALICE"}


def test_a_click_that_the_app_does_not_accept_is_reported(desk: Desk) -> None:
    desk.write("How many days?")
    expect(desk.thread).to_be_visible()
    answered(desk)
    desk.playground.wait_until_delivered()
    desk.inbox.statuses.append(500)
    desk.thread.get_by_role("button", name="Share").click()
    expect(desk.page.get_by_role("alert")).to_contain_text("Ken did not accept that")


def test_a_command_a_shortcut_an_edit_and_a_deletion(desk: Desk) -> None:
    desk.open("general")
    desk.write("/ken help me")
    commands = desk.playground.wait_for(
        lambda: [body for _, body in desk.inbox.requests if b"command=%2Fken" in body]
    )
    assert parse_qs(commands[0].decode())["text"] == ["help me"]
    desk.write("The old words")
    message = desk.page.get_by_role("article").first
    message.hover()
    message.get_by_role("button", name="Ask Ken about this").click()
    asked = desk.playground.wait_for(lambda: desk.received("message_action"))
    assert asked[0]["callback_id"] == "ken_ask_about"
    message.get_by_role("button", name="Edit").click()
    desk.page.get_by_label("Edit your message").fill("The new words")
    desk.page.keyboard.press("Enter")
    expect(message).to_contain_text("The new words")
    expect(message).to_contain_text("(edited)")
    message.get_by_role("button", name="Delete").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(desk.page.get_by_role("article")).to_have_count(0)


def test_a_modal_shows_errors_takes_its_input_and_closes_by_escape(desk: Desk) -> None:
    desk.ken.views_open(trigger_id=desk.playground.trigger("UALICE"), view=MODAL)
    dialog = desk.page.get_by_role("dialog", name="What was wrong?")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog.get_by_role("alert")).to_contain_text("required")
    desk.pictured("modal")
    dialog.get_by_label("Reason").fill("It is out of date")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_have_count(0)
    (sent,) = desk.received("view_submission")
    assert sent["view"]["state"]["values"]["why"]["reason"]["value"] == "It is out of date"
    desk.ken.views_open(trigger_id=desk.playground.trigger("UALICE"), view=MODAL)
    expect(dialog).to_be_visible()
    desk.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert desk.playground.views("UALICE") == []


def test_each_person_has_a_home_of_their_own(desk: Desk) -> None:
    desk.ken.views_publish(user_id="UALICE", view=HOME)
    desk.page.get_by_role("tab", name="Home").click()
    expect(desk.page.locator("main")).to_contain_text("What Ken knows of Alice")
    desk.page.get_by_label("Language").select_option("de")
    (pressed,) = desk.playground.wait_for(lambda: desk.received("block_actions"))
    assert pressed["actions"][0]["selected_option"]["value"] == "de"
    desk.act_as("bob")
    desk.page.get_by_role("tab", name="Home").click()
    expect(desk.page.locator("main")).to_contain_text("Ken fills this tab")
    assert "What Ken knows" not in desk.page.content()


def test_what_only_one_person_may_see_is_sent_to_nobody_else(desk: Desk) -> None:
    """Threat 14: direct messages, ephemeral ones, private channels, statuses and modals."""
    desk.playground.dm("alice", "my secret question")
    desk.playground.say("general", "alice", "hello all")
    desk.playground.say("board", "alice", "the board's secret")
    desk.ken.chat_postEphemeral(channel="CGENERAL", user="UALICE", text="an ephemeral secret")
    desk.ken.views_publish(user_id="UALICE", view=HOME)
    desk.open("general")
    expect(desk.page.locator("main")).to_contain_text("an ephemeral secret")
    expect(desk.page.locator("main")).to_contain_text("Only visible to you")
    desk.act_as("bob")
    desk.open("general")
    expect(desk.page.locator("main")).to_contain_text("hello all")
    desk.page.wait_for_load_state("domcontentloaded")
    assert "secret" not in desk.page.content()
    seen = json.dumps(json.loads(_get(desk, "/_page/seen?user=bob")))
    assert "hello all" in seen
    assert "secret" not in seen
    assert "What Ken knows" not in seen


def test_the_same_question_of_two_people_is_shown_side_by_side(desk: Desk) -> None:
    desk.write("How many days?")
    expect(desk.thread).to_be_visible()
    answered(desk, text="Thirty days.")
    same = desk.page.get_by_label("Same question, different answers")
    expect(same).to_have_count(0)
    desk.page.get_by_role("button", name="bob", exact=True).click()
    expect(desk.thread).to_be_visible()
    answered(desk, channel="DUBOB", text="Eighteen days.")
    expect(same).to_contain_text("Thirty days.")
    expect(same).to_contain_text("Eighteen days.")
    assert "Thirty" not in desk.slack()
    desk.pictured("same")


def test_try_asks_as_that_person_in_that_place(desk: Desk) -> None:
    desk.page.get_by_text("More to try").click()
    desk.page.get_by_role("button", name="bob in #general").click()
    (asked,) = desk.playground.wait_for(lambda: desk.playground.messages("general"))
    assert (asked.user, asked.text) == ("UBOB", "<@UKEN> And here?")
    expect(desk.page.locator(".act-as .current")).to_contain_text("bob")
    expect(desk.thread).to_contain_text("And here?")
    desk.page.get_by_label("Try").get_by_role("button", name="Alice", exact=True).click()
    (asked,) = desk.playground.wait_for(lambda: desk.playground.messages("DUALICE"))
    assert (asked.user, asked.text) == ("UALICE", "How many days?")
    expect(desk.page.locator(".act-as .current")).to_contain_text("Alice")
    expect(desk.thread).to_contain_text("How many days?")


def test_a_suggestion_of_ken_is_asked_at_once(desk: Desk) -> None:
    desk.ken.assistant_threads_setSuggestedPrompts(
        channel_id="DUALICE",
        prompts=[{"title": "Vacation", "message": "How many days do I have?"}],
    )
    desk.page.get_by_role("button", name="Vacation").click()
    expect(desk.thread).to_contain_text("How many days do I have?")
    assert desk.playground.messages("DUALICE")[-1].user == "UALICE"


def test_joining_and_leaving(desk: Desk) -> None:
    desk.open("general")
    desk.page.get_by_role("button", name="Leave").click()
    expect(desk.page.get_by_text("Join to write")).to_be_visible()
    desk.page.get_by_role("button", name="Join").click()
    expect(desk.page.get_by_label("Message #general")).to_be_visible()
    desk.page.get_by_text(re.compile("people are here")).click()
    desk.page.get_by_label("Add somebody to this channel").select_option("UGUEST")
    reason = desk.page.get_by_text("guest is a guest, so answers here leave out")
    expect(reason).to_be_visible()


def test_a_stream_shows_its_tasks_while_it_is_open(desk: Desk) -> None:
    desk.write("How many days?")
    asked = desk.playground.wait_for(lambda: desk.playground.messages("DUALICE"))
    desk.ken.chat_startStream(
        channel="DUALICE",
        thread_ts=asked[0].ts,
        chunks=[
            {"type": "task_update", "id": "1", "title": "Searching", "status": "complete"},
            {"type": "task_update", "id": "2", "title": "Reading 3", "status": "in_progress"},
        ],
    )
    thread = desk.thread
    expect(thread).to_contain_text("Searching done")
    expect(thread).to_contain_text("Reading 3 in progress")


def test_text_of_people_and_documents_runs_no_script(sit: Sit) -> None:
    """Threat 23: names, titles, messages, blocks and links that would be a script elsewhere."""
    world = json.loads(json.dumps(WORLD))
    world["users"][0] |= {"real_name": NASTY, "title": NASTY}
    desk = sit(world)
    desk.write(f"{NASTY} <javascript:window.pwned=1|click me>")
    asked = desk.playground.wait_for(lambda: desk.playground.messages("DUALICE"))
    link = "<javascript:window.pwned=1|click me>"
    desk.ken.chat_postMessage(
        channel="DUALICE", thread_ts=asked[0].ts, text=f"{NASTY} {link}", unfurl_links=False
    )
    desk.ken.chat_postMessage(
        channel="DUALICE",
        thread_ts=asked[0].ts,
        text="blocks",
        blocks=[
            section(NASTY),
            {"type": "section", "text": {"type": "mrkdwn", "text": f"{NASTY} {link}"}},
            {"type": "markdown", "text": f"{NASTY} [click me](javascript:window.pwned=1)"},
        ],
    )
    expect(desk.thread.get_by_role("article")).to_have_count(3)
    for place in desk.page.get_by_text("click me").all():
        place.click()
    assert desk.page.evaluate("window.pwned") is None
    assert desk.page.locator("main img, main script").count() == 0
    assert desk.page.locator("a[href^='javascript:window']").count() == 0
    desk.pictured("nasty")


def test_the_content_policy_blocks_other_sites(desk: Desk) -> None:
    with urlopen(desk.playground.url) as response:
        policy = response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert policy.startswith("default-src 'self';")
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    desk.page.evaluate(
        "() => { const one = document.createElement('script');"
        " one.textContent = 'window.pwned = 1'; document.body.append(one); }"
    )
    assert desk.page.evaluate("window.pwned") is None


def test_requests_of_another_site_are_refused(desk: Desk) -> None:
    host = desk.playground.url.removeprefix("http://")
    assert _say(desk, {}) == 200
    assert _say(desk, {"Origin": f"http://{host}"}) == 200
    assert _say(desk, {"Origin": "https://evil.example"}) == 403
    assert _say(desk, {"Origin": "null"}) == 403
    assert _say(desk, {"Host": "evil.example"}) == 403
    assert _say(desk, {"Host": "evil.example", "Origin": "http://evil.example"}) == 403
    assert len(desk.playground.messages("general")) == 2


def test_a_page_of_another_site_changes_nothing(desk: Desk, browser: Any) -> None:
    """In a browser: an image, a form and a socket; the same from our own page do arrive."""
    by_get = "/api/chat.postMessage?token=xoxb-playground&channel=CGENERAL&text=from+"
    order = '{"channel": "general", "user": "alice", "text": "from a form", "x": "'
    script = f"""async (ours) => {{
        const heard = (one) => new Promise((done) => {{ one.onerror = one.onload = done }})
        const image = new Image()
        image.src = ours + "{by_get}an+image"
        await heard(image)
        const form = document.createElement("form")
        form.method = "post", form.enctype = "text/plain", form.target = "frame"
        form.action = ours + "/_double/say"
        const field = document.createElement("input")
        field.name = {json.dumps(order)}, field.value = '"}}'
        form.append(field)
        const frame = document.createElement("iframe")
        frame.name = "frame"
        document.body.append(form, frame)
        form.submit()
        await heard(frame)
        await fetch(ours + "/_double/reset", {{method: "POST", mode: "no-cors"}}).catch(() => 0)
        const read = await fetch(ours + "/_page/seen?user=alice").catch(() => "refused")
        const socket = new WebSocket(ours.replace("http", "ws") + "/link?ticket=1")
        await heard(socket)
        return read === "refused"
    }}"""
    desk.playground.say("general", "alice", "hello")
    asked = len(desk.playground.calls())
    with serving(_an_empty_page) as elsewhere:
        page = browser.new_page()
        page.goto(elsewhere)
        assert page.evaluate(script, desk.playground.url)
        page.close()
    assert [one.text for one in desk.playground.messages("general")] == ["hello"]
    assert len(desk.playground.calls()) == asked

    status = desk.page.evaluate(f"fetch('{by_get}our+own').then((response) => response.status)")
    assert status == 200
    assert desk.playground.messages("general")[-1].text == "from our own"


def test_a_narrow_window_shows_the_thread_alone_and_the_panel_on_demand(sit: Sit) -> None:
    desk = sit(width=800, height=700)
    panel = desk.page.get_by_label("People and permissions", exact=True)
    expect(panel).to_have_count(0)
    desk.write("How many days?")
    expect(desk.thread).to_be_visible()
    expect(desk.page.get_by_label("Message Ken")).to_be_hidden()
    desk.page.get_by_role("button", name="People and permissions").click()
    expect(panel).to_contain_text("Only you and Ken")
    wide = desk.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 800
    desk.pictured("narrow")


def test_without_a_home_the_panel_says_so(desk: Desk) -> None:
    expect(desk.page.get_by_label("You", exact=True)).to_contain_text("without a Ken home")


def test_if_the_page_is_not_built_it_says_so_and_the_rest_works() -> None:
    with running(read_workspace(WORLD), page=Page(data_dir=Path("/nowhere"))) as url:
        with urlopen(url) as response:
            assert "The page is not built" in response.read().decode()
        assert Playground(url).say("general", "alice", "hello").ts


def test_a_page_that_cannot_be_built_is_explained_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an address nor a path of the machine is in it."""
    node, npm = tmp_path / "bin" / "node", tmp_path / "bin" / "npm"
    npm_cli = tmp_path / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm_cli.parent.mkdir(parents=True)
    npm_cli.touch()
    node.parent.mkdir()
    node.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo v20.1.0; exit; fi\n'
        "echo npm error code ENOTFOUND; echo npm error at https://registry.example/x; exit 1\n"
    )
    npm.write_text("#!/bin/sh\n")
    for program in (node, npm):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{node.parent}:/bin:/usr/bin")
    with pytest.raises(building.NotBuilt) as caught:
        building.build(tmp_path / "home")
    reason = "npm could not get the packages: the package registry does not answer (ENOTFOUND)."
    assert str(caught.value) == reason
    assert not building.is_built(tmp_path / "home")
    assert [one.name for one in (tmp_path / "home" / "page").iterdir()] == [".lock"]


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((building.SOURCES / "package-lock.json").read_text())
    parts = {name: part for name, part in lock["packages"].items() if name}
    assert all("resolved" not in part for part in parts.values())
    assert all(part["integrity"].startswith("sha512-") for part in parts.values())


def _an_empty_page(_: Json, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<!doctype html><title>Elsewhere</title><body></body>"]


def _get(desk: Desk, path: str) -> str:
    with urlopen(desk.playground.url + path) as response:
        return str(response.read().decode())


def _say(desk: Desk, headers: dict[str, str]) -> int:
    order = json.dumps({"channel": "general", "user": "alice", "text": "hello"}).encode()
    request = Request(f"{desk.playground.url}/_double/say", order, headers)
    try:
        with urlopen(request) as response:
            return int(response.status)
    except HTTPError as error:
        return error.code
