"""The page as people use it: unread marks, confirmations, a phone, the dark, the keyboard."""

import json
import re
from typing import Any

import pytest

from tests.bot.desk import ANSWER, HOME, MODAL, Desk, Sit, answered, option, plain
from tests.bot.slack_world import WORLD, Json
from tests.browser import expect, grave_problems

PHONE = {"width": 390, "height": 844, "has_touch": True}
CONFIRM: Json = {
    "title": plain("Forget everything?"),
    "text": {
        "type": "mrkdwn",
        "text": "It *cannot* be brought back. &lt;img src=x onerror=alert(1)&gt;",
    },
    "confirm": plain("Forget it"),
    "deny": plain("Keep it"),
    "style": "danger",
}
WIDE_TABLE: Json = {
    "type": "table",
    "rows": [
        [{"type": "raw_text", "text": f"Heading {row} {column}"} for column in range(9)]
        for row in range(3)
    ],
}


def _unread(desk: Desk, place: str) -> Any:
    return desk.page.get_by_role("navigation").get_by_role("button", name=place).locator(".count")


def test_unread_conversations_are_marked_until_they_are_opened(desk: Desk) -> None:
    desk.open("board")
    desk.playground.say("general", "bob", "hello all")
    desk.playground.say("general", "alice", "hello myself")
    expect(_unread(desk, "general")).to_have_text("1 unread")
    expect(desk.page).to_have_title("(1) #board – Ken's playground")
    desk.playground.say("general", "bob", "hello again")
    expect(_unread(desk, "general")).to_have_text("2 unread")
    desk.page.reload()
    expect(_unread(desk, "general")).to_have_text("2 unread")
    desk.open("general")
    expect(desk.page.get_by_text("New", exact=True)).to_be_visible()
    expect(_unread(desk, "general")).to_have_count(0)
    desk.playground.say("general", "bob", "while she looks")
    expect(desk.page.locator("main")).to_contain_text("while she looks")
    expect(_unread(desk, "general")).to_have_count(0)
    desk.open("board")
    desk.page.reload()
    expect(desk.page).to_have_title("#board – Ken's playground")
    expect(_unread(desk, "general")).to_have_count(0)


def test_unread_is_each_persons_own(desk: Desk) -> None:
    desk.playground.say("general", "alice", "hello all")
    desk.act_as("bob")
    expect(_unread(desk, "general")).to_have_text("1 unread")
    desk.open("general")
    expect(_unread(desk, "general")).to_have_count(0)
    desk.playground.join("both", "alice")
    desk.playground.say("both", "alice", "nothing for bob")
    expect(desk.page.locator("main")).to_contain_text("hello all")
    assert _unread(desk, "both").count() == 0
    seen = json.loads(desk.page.evaluate("fetch('/_page/seen?user=alice').then(r => r.text())"))
    assert seen["read"].keys() <= {"CBOTH", "CSHARED"}


def test_marks_follow_a_channel_whose_id_changes(desk: Desk) -> None:
    desk.playground.say("general", "bob", "hello all")
    desk.open("general")
    expect(desk.page.locator("main")).to_contain_text("hello all")
    expect(_unread(desk, "general")).to_have_count(0)
    desk.open("board")
    desk.playground.change_id("general", "CNEW")
    desk.playground.say("general", "bob", "hello again")
    expect(_unread(desk, "general")).to_have_text("1 unread")


def test_a_person_who_joins_has_nothing_unread(desk: Desk) -> None:
    desk.playground.join("empty", "bob")
    desk.playground.say("empty", "bob", "long ago")
    desk.playground.join("empty", "guest")
    desk.act_as("guest")
    expect(desk.page.get_by_role("navigation")).to_contain_text("empty")
    expect(_unread(desk, "empty")).to_have_count(0)


def test_a_private_answer_to_a_question_in_a_channel_is_shown_at_once(desk: Desk) -> None:
    desk.open("general")
    desk.write("@Ken how many days?")
    expect(desk.thread).to_be_visible()
    asked = desk.playground.messages("general")[-1]
    root = desk.ken.chat_postMessage(channel="DUALICE", text="&gt; how many days?\nThirty days.")
    link = desk.ken.chat_getPermalink(channel="DUALICE", message_ts=root["ts"])["permalink"]
    desk.ken.chat_postMessage(
        channel="CGENERAL", thread_ts=asked.ts, text=f"I have <{link}|answered you> directly."
    )
    hint = desk.page.get_by_role("status").filter(has_text="Ken sent you a direct message")
    expect(hint).to_contain_text("how many days? Thirty days.")
    expect(_unread(desk, "Ken")).to_have_text("1 unread")
    desk.pictured("elsewhere")
    desk.thread.get_by_role("link", name="answered you").click()
    expect(desk.page.get_by_label("Message Ken")).to_be_visible()
    expect(desk.page.get_by_role("article")).to_contain_text("Thirty days.")
    expect(hint).to_have_count(0)
    expect(_unread(desk, "Ken")).to_have_count(0)
    assert len(desk.page.context.pages) == 1
    closed = link.replace("DUALICE", "CNONE")
    desk.ken.chat_postMessage(channel="DUALICE", text=f"<{closed}|elsewhere>")
    desk.page.get_by_role("link", name="elsewhere").click()
    expect(desk.page.get_by_role("alert")).to_contain_text("You cannot open that conversation")
    assert len(desk.page.context.pages) == 1


def test_the_hint_leads_to_the_thread_of_the_answer(desk: Desk) -> None:
    asked = desk.playground.dm("alice", "How many days?")
    desk.open("general")
    desk.ken.chat_postMessage(channel="DUALICE", thread_ts=asked.ts, text="Thirty days.")
    desk.page.get_by_role("button", name="Show").click()
    expect(desk.thread).to_contain_text("Thirty days.")


KINDS: list[tuple[Json, str]] = [
    ({"type": "button", "text": plain("Press")}, "value"),
    ({"type": "icon_button", "icon": "trash", "text": plain("Press")}, "value"),
    ({"type": "overflow", "options": [option("a"), option("b")]}, "selected_option"),
    ({"type": "static_select", "options": [option("a"), option("b")]}, "selected_option"),
    ({"type": "radio_buttons", "options": [option("a"), option("b")]}, "selected_option"),
    ({"type": "checkboxes", "options": [option("a"), option("b")]}, "selected_options"),
    ({"type": "multi_static_select", "options": [option("a")]}, "selected_options"),
    ({"type": "datepicker"}, "selected_date"),
    ({"type": "timepicker"}, "selected_time"),
    ({"type": "datetimepicker"}, "selected_date_time"),
    ({"type": "users_select"}, "selected_user"),
    ({"type": "conversations_select"}, "selected_conversation"),
    ({"type": "channels_select"}, "selected_channel"),
    ({"type": "multi_users_select"}, "selected_users"),
    ({"type": "multi_conversations_select"}, "selected_conversations"),
    ({"type": "multi_channels_select"}, "selected_channels"),
]


def _use(desk: Desk, kind: str) -> None:
    """Use the only element of the message as a person would."""
    place = desk.page.locator(".actions")
    if kind in ("button", "icon_button"):
        place.get_by_role("button", name="Press").click()
    elif kind == "overflow":
        place.get_by_role("button", name="More").click()
        place.get_by_role("menuitem").first.click()
    elif kind.endswith("picker"):
        typed = {"datepicker": "2026-12-24", "timepicker": "12:30"}
        place.locator("input").fill(typed.get(kind, "2026-12-24T12:30"))
    elif kind in ("radio_buttons", "checkboxes") or kind.startswith("multi_"):
        place.locator("input").first.click()
    else:
        place.locator("select").select_option(index=1)


@pytest.mark.parametrize(("element", "says"), KINDS, ids=[one["type"] for one, _ in KINDS])
def test_an_element_with_a_confirm_asks_before_it_sends(
    desk: Desk, element: Json, says: str
) -> None:
    within = "context_actions" if element["type"] == "icon_button" else "actions"
    value = {"value": "7"} if says == "value" else {}
    pressed = {**element, **value, "action_id": "ken_forget", "confirm": CONFIRM}
    desk.ken.chat_postMessage(
        channel="DUALICE", text="x", blocks=[{"type": within, "elements": [pressed]}]
    )
    dialog = desk.page.get_by_role("dialog", name="Forget everything?")
    for deny in ("Keep it", "Escape"):
        _use(desk, element["type"])
        expect(dialog).to_contain_text("It cannot be brought back. <img src=x onerror=alert(1)>")
        if deny == "Escape":
            desk.page.keyboard.press("Escape")
        else:
            dialog.get_by_role("button", name=deny).click()
        expect(dialog).to_have_count(0)
    _use(desk, element["type"])
    dialog.get_by_role("button", name="Forget it").click()
    expect(dialog).to_have_count(0)
    (received,) = desk.playground.wait_for(lambda: desk.received("block_actions"))
    desk.playground.wait_until_delivered()
    assert len(desk.received("block_actions")) == 1
    (action,) = received["actions"]
    assert action["action_id"] == "ken_forget"
    assert action[says]


def test_a_confirmation_has_the_keyboard_and_gives_it_back(desk: Desk) -> None:
    """In the Home tab, which has Ken's *Forget* button, and in a modal."""
    forget = {"type": "button", "action_id": "ken_forget", "text": plain("Forget")}
    row = {"type": "actions", "elements": [{**forget, "confirm": CONFIRM}]}
    desk.ken.views_publish(user_id="UALICE", view={"type": "home", "blocks": [row]})
    desk.page.get_by_role("tab", name="Home").click()
    dialog = desk.page.get_by_role("dialog", name="Forget everything?")
    desk.page.get_by_role("button", name="Forget", exact=True).focus()
    desk.page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    desk.pictured("confirm")
    desk.page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Forget it")).to_be_focused()
    desk.page.keyboard.press("Escape")
    expect(desk.page.get_by_role("button", name="Forget", exact=True)).to_be_focused()
    assert desk.received("block_actions") == []

    view = {**MODAL, "blocks": [row, *MODAL["blocks"]]}
    desk.ken.views_open(trigger_id=desk.playground.trigger("UALICE"), view=view)
    modal = desk.page.get_by_role("dialog", name="What was wrong?")
    expect(modal.get_by_label("Reason")).to_be_focused()
    modal.get_by_role("button", name="Forget").click()
    desk.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(modal).to_be_visible()
    modal.get_by_role("button", name="Forget").click()
    dialog.get_by_role("button", name="Forget it").click()
    (received,) = desk.playground.wait_for(lambda: desk.received("block_actions"))
    assert received["view"]["title"]["text"] == "What was wrong?"


def test_on_a_phone_list_and_panel_are_drawers(sit: Sit) -> None:
    desk = sit(**PHONE)
    assert desk.page.locator("main").bounding_box()["width"] == 390
    for opens, name, inside in (
        ("Conversations", "Conversations", "navigation"),
        ("People and permissions", "Panel", "complementary"),
    ):
        button = desk.page.get_by_role("button", name=opens)
        drawer = desk.page.get_by_role("dialog", name=name)
        expect(button).to_have_attribute("aria-expanded", "false")
        button.click()
        expect(drawer.get_by_role(inside)).to_be_visible()
        for _ in range(30):
            desk.page.keyboard.press("Tab")
            assert desk.page.evaluate(
                "document.activeElement === document.body"
                " || !!document.activeElement.closest('dialog')"
            )
        desk.page.keyboard.press("Escape")
        expect(drawer).to_have_count(0)
        expect(button).to_be_focused()
        expect(button).to_have_attribute("aria-expanded", "false")
        button.click()
        edge = 380 if name == "Conversations" else 5
        desk.page.mouse.click(edge, 400)
        expect(drawer).to_have_count(0)
    desk.page.get_by_role("button", name="Conversations").click()
    act_as = desk.page.get_by_role("button", name=re.compile("^Act as"))
    act_as.click()
    expect(desk.page.get_by_label("Find somebody")).to_be_focused()
    desk.page.keyboard.press("Escape")
    expect(desk.page.get_by_label("Find somebody")).to_have_count(0)
    expect(act_as).to_be_focused()
    desk.open("general")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    expect(desk.page.get_by_label("Message #general")).to_be_visible()


SMALL_TARGETS = """() => [...document.querySelectorAll("button, select, summary")]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0 && (box.width < 40 || box.height < 40))
    .map(([html, box]) => [html, box.width, box.height])"""


def _fits(desk: Desk) -> None:
    wide = desk.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1]
    assert desk.page.evaluate(SMALL_TARGETS) == []


def test_on_a_phone_only_a_table_scrolls_sideways_in_its_box(sit: Sit) -> None:
    world = json.loads(json.dumps(WORLD))
    long = "Bartholomew Featherstonehaugh-Cholmondeley von Something"
    world["users"][0] |= {"real_name": long, "title": long}
    world["channels"][0]["name"] = "a-very-long-channel-name-for-the-offsite-of-next-year"
    desk = sit(world, **PHONE)
    code = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x" * 300}]}
    asked = desk.playground.dm("alice", "y" * 300)
    desk.ken.chat_postMessage(
        channel="DUALICE",
        thread_ts=asked.ts,
        text="x",
        blocks=[{"type": "rich_text", "elements": [code]}, WIDE_TABLE, *ANSWER],
    )
    _fits(desk)
    desk.page.get_by_role("button", name=re.compile("1 reply")).click()
    table = desk.page.get_by_role("region", name="Table")
    expect(table).to_be_visible()
    assert table.evaluate("(box) => box.scrollWidth > box.clientWidth")
    _fits(desk)
    expect(desk.page.get_by_label("Reply…")).to_be_in_viewport()
    desk.pictured("phone-thread")
    desk.page.get_by_label("Close the thread").click()
    desk.page.get_by_role("button", name="Conversations").click()
    _fits(desk)
    desk.page.get_by_role("button", name=re.compile("^Act as")).click()
    _fits(desk)
    for _ in ("the people", "the list"):
        desk.page.keyboard.press("Escape")
    desk.page.get_by_role("button", name="People and permissions").click()
    desk.page.get_by_text("More to try").click()
    _fits(desk)
    desk.pictured("phone-panel")


def test_on_a_phone_a_menu_offers_what_can_be_done_with_a_message(sit: Sit) -> None:
    desk = sit(**PHONE)
    desk.playground.dm("alice", "The old words")
    message = desk.page.get_by_role("article")
    message.get_by_role("button", name="Actions for the message").click()
    desk.page.get_by_role("menuitem", name="Edit").click()
    desk.page.get_by_label("Edit your message").fill("The new words")
    desk.page.get_by_role("button", name="Save").click()
    expect(message).to_contain_text("The new words")


def _paper(desk: Desk) -> str:
    return str(desk.page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_dark_colours_follow_the_system_unless_chosen_and_are_remembered(sit: Sit) -> None:
    desk = sit(color_scheme="dark")
    dark = _paper(desk)
    toggle = desk.page.get_by_role("button", name="Dark colours")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    desk.page.emulate_media(color_scheme="light")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    light = _paper(desk)
    assert light != dark
    toggle.click()
    assert _paper(desk) == dark
    desk.page.reload()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    assert _paper(desk) == dark
    toggle.click()
    desk.page.emulate_media(color_scheme="dark")
    expect(toggle).to_have_attribute("aria-pressed", "true")


def test_a_channel_is_changed_from_the_panel(desk: Desk) -> None:
    desk.open("board")
    panel = desk.page.get_by_role("complementary", name="People and permissions")
    panel.get_by_text("Change this channel").click()
    panel.get_by_role("button", name="Make it public").click()
    expect(panel.get_by_role("button", name="Make it private")).to_be_visible()
    expect(desk.page.get_by_role("article")).to_contain_text("made this channel public")
    panel.get_by_role("button", name="Share with another company").click()
    expect(panel.get_by_role("button", name="Stop sharing")).to_be_visible()
    panel.get_by_role("button", name="Archive").click()
    expect(desk.page.locator("main")).to_contain_text("This channel is archived.")
    board = desk.playground.people()["channels"][4]
    assert (board["is_private"], board["is_ext_shared"], board["is_archived"]) == (
        False,
        True,
        True,
    )


def test_a_draft_is_kept_for_each_person_and_conversation(desk: Desk) -> None:
    desk.page.get_by_label("Message Ken").fill("half a question")
    desk.open("general")
    expect(desk.page.get_by_label("Message #general")).to_have_value("")
    expect(desk.page.get_by_label("Message #general")).to_be_focused()
    desk.act_as("bob")
    desk.open("Ken app")
    expect(desk.page.get_by_label("Message Ken")).to_have_value("")
    desk.act_as("alice")
    desk.page.reload()
    expect(desk.page.get_by_label("Message Ken")).to_have_value("half a question")
    desk.page.get_by_label("Message Ken").press("Shift+Enter")
    desk.page.keyboard.type("and more")
    desk.page.keyboard.press("Enter")
    expect(desk.thread).to_be_visible()
    assert desk.playground.messages("DUALICE")[-1].text == "half a question\nand more"


def test_new_messages_do_not_scroll_a_reader_who_scrolled_up(desk: Desk) -> None:
    desk.open("general")
    for number in range(40):
        desk.playground.say("general", "bob", f"line {number}")
    expect(desk.page.get_by_text("line 39")).to_be_in_viewport()
    log = desk.page.get_by_role("log")
    log.evaluate("(list) => { list.scrollTop = 0 }")
    desk.playground.say("general", "bob", "the newest")
    below = desk.page.get_by_role("button", name="New messages below")
    expect(below).to_be_visible()
    assert log.evaluate("(list) => list.scrollTop") == 0
    below.click()
    expect(desk.page.get_by_text("the newest")).to_be_in_viewport()
    expect(below).to_have_count(0)
    log.evaluate("(list) => { list.scrollTop = 0 }")
    desk.write("my own words")
    expect(desk.page.get_by_text("my own words")).to_be_in_viewport()


def test_a_message_that_could_not_be_sent_stays_in_the_composer(desk: Desk) -> None:
    desk.page.route("**/_double/say", lambda route: route.abort())
    desk.write("How many days?")
    expect(desk.page.get_by_role("alert")).to_contain_text("That did not work")
    expect(desk.page.get_by_label("Message Ken")).to_have_value("How many days?")
    desk.page.unroute("**/_double/say")
    desk.page.get_by_label("Message Ken").press("Enter")
    expect(desk.thread).to_contain_text("How many days?")
    expect(desk.page.get_by_role("alert")).to_have_count(0)


def test_the_page_says_while_the_playground_is_away(desk: Desk) -> None:
    desk.page.route("**/_page/seen*", lambda route: route.abort())
    desk.playground.say("general", "bob", "hello all")
    expect(desk.page.get_by_role("alert")).to_contain_text("The playground is not responding")
    desk.page.unroute("**/_page/seen*")
    expect(desk.page.get_by_role("alert")).to_have_count(0)
    expect(_unread(desk, "general")).to_have_text("1 unread")


def test_without_a_bot_the_page_says_so(sit: Sit) -> None:
    desk = sit(listens=False)
    expect(desk.page.get_by_role("status").first).to_contain_text("Ken is not connected")


def test_the_keyboard_alone_is_enough(desk: Desk) -> None:
    expect(desk.page.get_by_label("Message Ken")).to_be_focused()
    desk.page.keyboard.press("Alt+ArrowDown")
    expect(desk.page.get_by_label("Message #board")).to_be_focused()
    desk.page.keyboard.press("Alt+ArrowUp")
    desk.page.keyboard.type("How many days?")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_label("Reply…")).to_be_focused()
    answered(desk)
    desk.page.keyboard.press("Escape")
    expect(desk.thread).to_have_count(0)
    expect(desk.page.get_by_label("Message Ken")).to_be_focused()
    desk.page.get_by_role("log").focus()
    desk.page.keyboard.press("?")
    help = desk.page.get_by_role("dialog", name="Shortcuts")
    expect(help).to_contain_text("Shift Enter")
    desk.page.keyboard.press("Escape")
    expect(help).to_have_count(0)


def test_reduced_motion_stops_every_animation(sit: Sit) -> None:
    desk = sit(reduced_motion="reduce")
    asked = desk.playground.dm("alice", "How many days?")
    desk.ken.assistant_threads_setStatus(
        channel_id="DUALICE", thread_ts=asked.ts, status="is searching…"
    )
    expect(desk.page.locator("main")).to_contain_text("is searching")
    assert desk.page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_problem(sit: Sit, axe: str, width: int, colours: str) -> None:
    desk = sit(width=width, height=800, color_scheme=colours)
    page, is_phone = desk.page, width < 720
    found: list[str] = []

    def look(view: str) -> None:
        found.extend(f"{view}: {one}" for one in grave_problems(page, axe))
        desk.pictured(f"{width}-{colours}-{view}")

    asked = desk.playground.dm("alice", "How many days? `code` <@UBOB>")
    cards = [
        {"type": "task_card", "task_id": str(number), "title": "Reading", "status": status}
        for number, status in enumerate(("pending", "in_progress", "complete", "error"))
    ]
    source = {"type": "mrkdwn", "text": "Source: <https://wiki.acme.example/x|Handbook>"}
    blocks = [*cards, WIDE_TABLE, {"type": "context", "elements": [source]}, *ANSWER]
    blocks[-1] = {**blocks[-1], "elements": [{**blocks[-1]["elements"][0], "confirm": CONFIRM}]}
    desk.ken.chat_postMessage(channel="DUALICE", thread_ts=asked.ts, text="x", blocks=blocks)
    desk.playground.say("general", "bob", "hello all")
    page.get_by_role("button", name=re.compile("1 reply")).wait_for()
    look("conversation")
    page.get_by_role("button", name=re.compile("1 reply")).click()
    look("thread")
    page.get_by_role("button", name="Share", exact=True).click()
    look("confirm")
    page.keyboard.press("Escape")
    page.get_by_label("Close the thread").click()
    if is_phone:
        page.get_by_role("button", name="Conversations").click()
    page.get_by_role("button", name=re.compile("^Act as")).click()
    look("list")
    page.keyboard.press("Escape")
    if is_phone:
        page.keyboard.press("Escape")
    if width < 1100:
        page.get_by_role("button", name="People and permissions").click()
    page.get_by_text("More to try").click()
    look("panel")
    if width < 1100:
        page.keyboard.press("Escape")
    desk.ken.views_publish(user_id="UALICE", view=HOME)
    page.get_by_role("tab", name="Home").click()
    expect(page.locator("main")).to_contain_text("What Ken knows of Alice")
    desk.ken.chat_postMessage(channel="DUALICE", text="Thirty days.")
    expect(page.get_by_role("button", name="Show")).to_be_visible()
    look("home")
    desk.ken.views_open(trigger_id=desk.playground.trigger("UALICE"), view=MODAL)
    modal = page.get_by_role("dialog", name="What was wrong?")
    modal.get_by_role("button", name="Send").click()
    expect(modal.get_by_role("alert")).to_be_visible()
    look("modal")
    assert found == []
