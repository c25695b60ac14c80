"""Lays out the home tab, in Block Kit.

Text from people or documents goes into elements that Slack shows literally.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from policies.source import PROVIDER
from policies.tables.questions import QuestionState
from workers.people.home_contents import MOST_SOURCES, AskedBefore, HomeContents
from workers.people.home_profile import profile_blocks
from workers.people.linking import ADDRESS, CODE, code_in
from workers.people.preferences import CHOICES, LENGTHS
from workers.replies.blocks import Json, header, plain, rich_text, section, span, spans_around
from workers.replies.inert import elements, inert, inert_excerpt
from workers.wording.mark import N_
from workers.wording.text import gettext

_UNLINKED = N_(
    "I cannot match this Slack account to anyone in your company's directory, so I answer only "
    "from public documents. Ask your administrator for a code, then send it to me in a direct "
    "message: the word link, and the code."
)
_INACTIVE = N_(
    "This person is no longer active in your company's directory, so I cannot look anything up for "
    "you. Please ask your administrator."
)
_GROUPS = N_(
    "What you may read and which groups you are in comes from your company's systems. I cannot "
    "change it, but your administrator can look it up."
)
_LINKED_BY = {
    CODE: N_("You linked it with a code."),
    ADDRESS: N_("It was linked by your confirmed e-mail address."),
    PROVIDER: N_("Your company's identity provider linked it."),
}
_LINKED_BY_ADMIN = N_("An administrator linked it.")
_PROFILE_FIELDS = {
    "title": N_("title"),
    "team": N_("team"),
    "location": N_("location"),
    "country": N_("country"),
    "locale": N_("language"),
    "timezone": N_("time zone"),
    "manager": N_("manager"),
}
"""The fields that an identity provider may send about a person, and what we call them."""
_NAMELESS = N_("(no name)")
_NO_SOURCE = N_("So far I have no documents that you may read.")
_OUT_OF_DATE = N_(
    "The permissions of a source are out of date. I leave it out for everyone until they are "
    "synced again."
)
"""Never names the source: the same words for everybody."""
_MORE_SOURCES = N_("And more.")
_NO_QUESTION = N_("You have not asked me anything yet.")
_FORGOTTEN = N_("(forgotten)")
_NO_WORDS = N_("(no text)")
_CODE = N_("(a link code)")
_NOT_OWN = N_("(about a message)")
"""Shown in place of text that its writer may have meant only for where it was written."""
_STATES = {
    QuestionState.KEPT: N_("I am working on it"),
    QuestionState.ANSWERED: N_("answered"),
    QuestionState.ABSTAINED: N_("not answered"),
    QuestionState.FAILED: N_("failed"),
}
_REMEMBERED = N_(
    "I keep your questions, a record of each answer (which documents it used, and for whom), your "
    "ratings and comments, and your choices on this page. “Forget” clears the text of your "
    "finished questions, of my private answers in my own records, and of your comments, and what "
    "you asked me to remember. The record of which documents were used stays, and so do the "
    "messages in Slack."
)
_FORGET_TITLE = N_("Forget my questions?")
_FORGET = N_("Forget")
_FORGET_WORDS = N_(
    "I clear the text of your questions, private answers and comments, and what you asked me to "
    "remember. I cannot undo it."
)
_KEEP = N_("Keep them")
_MUTED = N_("I reply only when you ask me.")
_SPEAKS = N_("I also answer without a mention in threads that I am part of.")
_LONGEST_QUESTION = 100
_LONGEST_NAME = 100


def view_of(home: HomeContents) -> Json:
    return {
        "type": "home",
        "blocks": [
            header(gettext("Who you are")),
            _listed(*_who(home)),
            *profile_blocks(home.person, home.remembered),
            header(gettext("What you can ask me about")),
            _listed(*_what(home)),
            header(gettext("Your last questions")),
            _listed(
                *(
                    map(_question, home.questions)
                    if home.questions
                    else [[span(gettext(_NO_QUESTION))]]
                )
            ),
            header(gettext("What I remember")),
            _listed([span(gettext(_REMEMBERED))]),
            {"type": "actions", "elements": [_forget()]},
            header(gettext("How I answer you")),
            _choice(N_("Language of my answers"), "ken_language", CHOICES, home.language),
            _choice(N_("Length of my answers"), "ken_length", LENGTHS, home.length),
            _mute(muted=home.muted),
            *_administration(home.admin_url),
        ],
    }


def _who(home: HomeContents) -> Iterator[list[Json]]:
    if home.profile:
        name, title = (
            inert_excerpt(one, _LONGEST_NAME) for one in (home.profile.name, home.profile.title)
        )
        mailbox = (home.profile.email or "")[:_LONGEST_NAME]
        shown = ", ".join(one for one in (name, inert(mailbox, passage=mailbox), title) if one)
        shown_name = elements(shown or gettext(_NAMELESS))
        yield spans_around(N_("In Slack you are {name}."), "name", shown_name)
    if not home.link:
        yield [span(gettext(_UNLINKED))]
        return
    name = inert_excerpt(home.link.name, _LONGEST_NAME) or gettext(_NAMELESS)
    belongs = N_("This account belongs to {name} in your company.")
    yield [*spans_around(belongs, "name", [span(name, bold=True)]), span(" ")]
    yield [span(gettext(_LINKED_BY.get(home.link.by, _LINKED_BY_ADMIN)))]
    if not home.link.active:
        yield [span(gettext(_INACTIVE))]
    profile = {
        key: inert_excerpt(str(home.link.profile_fields.get(key) or ""), _LONGEST_NAME)
        for key in _PROFILE_FIELDS
    }
    named = [
        f"{gettext(words)} {profile[key]}" for key, words in _PROFILE_FIELDS.items() if profile[key]
    ]
    if named:
        known = N_("From your company's directory: {attributes}")
        yield [span(gettext(known, attributes=", ".join(named)))]
    yield [span(gettext(_GROUPS))]


def _what(home: HomeContents) -> Iterator[list[Json]]:
    if not home.sources:
        yield [span(gettext(_NO_SOURCE))]
    for name, synced_at in home.sources[:MOST_SOURCES]:
        yield [
            span("• "),
            span(inert_excerpt(name, _LONGEST_NAME) or gettext(_NAMELESS), bold=True),
            *_synced(synced_at),
        ]
    if len(home.sources) > MOST_SOURCES:
        yield [span(gettext(_MORE_SOURCES))]
    if home.out_of_date:
        yield [span(gettext(_OUT_OF_DATE))]


def _synced(at: datetime | None) -> list[Json]:
    if at is None:
        return []
    return spans_around(N_(": permissions synced {date}"), "date", [_date(at)])


def _question(asked: AskedBefore) -> list[Json]:
    words = inert_excerpt(asked.text, _LONGEST_QUESTION, hosts=True) or (
        gettext(_FORGOTTEN if asked.forgotten else _NO_WORDS)
    )
    if code_in(asked.text):
        words = gettext(_CODE)
    elif not asked.is_own:
        words = gettext(_NOT_OWN)
    return [
        span("• "),
        *elements(words),
        span(f" ({gettext(_STATES[asked.state])}, "),
        _date(asked.at),
        span(")"),
    ]


def _forget() -> Json:
    return {
        "type": "button",
        "action_id": "ken_forget",
        "text": plain(gettext(_FORGET)),
        "style": "danger",
        "value": "forget",
        "confirm": {
            "title": plain(gettext(_FORGET_TITLE)),
            "text": plain(gettext(_FORGET_WORDS)),
            "confirm": plain(gettext(_FORGET)),
            "deny": plain(gettext(_KEEP)),
        },
    }


def _choice(words: str, action_id: str, choices: Mapping[Any, str], chosen: str) -> Json:
    options = {key: {"text": plain(gettext(name)), "value": key} for key, name in choices.items()}
    return {
        "type": "section",
        "text": plain(gettext(words)),
        "accessory": {
            "type": "static_select",
            "action_id": action_id,
            "options": list(options.values()),
            "initial_option": options[chosen],
        },
    }


def _mute(*, muted: bool) -> Json:
    """Make the mute switch; the button's value is the new state."""
    return {
        "type": "section",
        "text": plain(gettext(_MUTED if muted else _SPEAKS)),
        "accessory": {
            "type": "button",
            "action_id": "ken_mute",
            "text": plain(gettext("Unmute" if muted else N_("Mute"))),
            "value": "false" if muted else "true",
        },
    }


def _administration(url: str) -> list[Json]:
    if not url:
        return []
    button = {
        "type": "button",
        "action_id": "ken_admin",
        "text": plain(gettext("Admin page")),
        "url": url,
    }
    return [header(gettext("For administrators")), {"type": "actions", "elements": [button]}]


def _listed(*lines: Sequence[Json]) -> Json:
    return rich_text([section(elements) for elements in lines])


def _date(at: datetime) -> Json:
    """Slack shows the date in the reader's own time zone."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty}, {time}",
        "fallback": f"{at:%Y-%m-%d %H:%M %Z}",
    }
