"""Suggests questions to a person: made from what they may read, and tried before they are shown.

A question comes from a heading that asks ("How to request a laptop") or from a sentence that states
something ("The learning budget is 1,200 euros"). It is suggested only if Ken, quoting, answers it
from that very page.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from policies import Audience, readable_chunks, readable_documents
from policies.audience import Account, Readers
from policies.directory import resolve_audience
from policies.tables.content import Chunk, Document
from workers.answering.composing import compose_answer
from workers.models.embedded import QuotingAnswerer
from workers.models.sentences import sentences
from workers.replies.inert import inert
from workers.services import Services
from workers.slack.messenger import source_of_team
from workers.wording.mark import N_
from workers.wording.text import gettext

log = structlog.get_logger()

_PROMPTS = N_("You could ask me")
_HELP = N_("What can you do?")
MOST = 4
"""Slack shows at most four prompts."""
_MOST_PAGES = 16
_MOST_PIECES = 4
"""The first pieces of a page."""
_MOST_TRIES = 12
_TRIES_OF_A_PAGE = 2
_LONGEST = 75
_MOST_SUBJECT_WORDS = 6

_WORD = re.compile(r"[^\W_][\w'’&/-]*")
_AMOUNT = re.compile(
    r"[€$£]?\d|(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen"
    r"|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b"
)
_ASKS = frozenset("what when where who which why how can do does is are may must should".split())
_ARTICLES = {"the": "the", "our": "our", "your": "my"}
_INDEFINITE = {word: word for word in "a an each every".split()}
_BEGINS = _ARTICLES | _INDEFINITE | {"you": "I"}
"""How the first word of a subject is written in a question."""
_NO_SUBJECT = frozenset(
    "it this that these those there here they he she we i what who which if when where because as "
    "in on at for from to with by and but or not nor so then all some most both either neither "
    "one nobody everyone everybody anybody please only yes no none such his her its their".split()
)
_WHEN = {
    **{f"{verb}s": verb for verb in ("open", "close", "start", "end", "begin")},
    "closes": "close",
}
_HOW_LONG = {"takes": "take", "lasts": "last"}


@dataclass(frozen=True, slots=True)
class _Page:
    document: str
    title: str
    pieces: tuple[tuple[str, str], ...]
    """Heading and text of each piece."""


def suggest(services: Services, team_id: str, user_id: str, channel_id: str) -> None:
    """Set the prompts for this account; accounts that may read the same get the same prompts.

    `channel_id` is their direct message: prompts are content. Raises SlackUnavailable.
    """
    if not channel_id.startswith("D"):
        log.warning("prompts_refused", reason="no direct message")
        return
    messenger = services.messenger_of(team_id)
    readers = Readers(accounts=frozenset({Account(source_of_team(team_id), user_id)}))
    with services.database.session("answerer") as session:
        audience = resolve_audience(session, readers)
    prompts = suggested(services, audience) or [gettext(_HELP)]
    messenger.set_prompts(channel_id, [(one, one) for one in prompts], gettext(_PROMPTS))


def suggested(services: Services, audience: Audience) -> list[str]:
    """Return at most four questions, each answered by a different page, the latest pages first.

    Unreadable documents affect nothing, and each page has passed the checks of an answer. Raises
    LayersDisagree.
    """
    quoting = replace(services, answerer=QuotingAnswerer(services.embedder, services.multilingual))
    found: list[str] = []
    tries = 0
    for page in _pages(services, audience):
        for question in list(_questions(page))[:_TRIES_OF_A_PAGE]:
            if len(found) == MOST or tries == _MOST_TRIES:
                return found
            tries += 1
            if question not in found and _answers(quoting, question, page, audience):
                found.append(question)
                break
    return found


def _pages(services: Services, audience: Audience) -> list[_Page]:
    with services.database.reading_for(audience) as session:
        rows = session.execute(
            readable_documents(audience)
            .with_only_columns(Document.id, Document.native_id, Document.title)
            .order_by(Document.updated_at.desc().nulls_last(), Document.title, Document.native_id)
            .limit(_MOST_PAGES)
        ).all()
        pieces: dict[int, list[tuple[str, str]]] = {row.id: [] for row in rows}
        for document_id, heading, text in session.execute(
            readable_chunks(audience)
            .where(Chunk.document_id.in_(pieces), Chunk.position < _MOST_PIECES)
            .with_only_columns(Chunk.document_id, Chunk.heading, Chunk.text)
            .order_by(Chunk.document_id, Chunk.position)
        ):
            pieces[document_id].append((heading, text))
    return [_Page(row.native_id, row.title, tuple(pieces[row.id])) for row in rows]


def _answers(services: Services, question: str, page: _Page, audience: Audience) -> bool:
    """Whether the first sentence of the answer is cited from this page."""
    reply = compose_answer(services, question, audience).reply
    if not reply.lines:
        return False
    first = set(reply.lines[0].citations)
    return any(one.number in first and one.document == page.document for one in reply.citations)


def _questions(page: _Page) -> Iterator[str]:
    """The drafts that fit a button and contain nothing that would be made inert."""
    for question in dict.fromkeys(_drafts(page)):
        if len(question) <= _LONGEST and inert(question) == question:
            yield question


def _drafts(page: _Page) -> Iterator[str]:
    for heading in (page.title, *(heading.rpartition(" > ")[2] for heading, _ in page.pieces)):
        if asked := of_heading(heading):
            yield asked
    everything = " ".join(text for _, text in page.pieces)
    for _, text in page.pieces:
        for sentence in sentences(text):
            if asked := of_statement(sentence, everything):
                yield asked


def of_heading(heading: str) -> str | None:
    """Return the question in a heading; None if there is none."""
    words = heading.strip().rstrip("?").split()
    if len(words) < 3:
        return None
    first = words[0].casefold()
    if heading.rstrip().endswith("?"):
        return " ".join(words) + "?" if first in _ASKS else None
    if [first, words[1].casefold()] == ["how", "to"]:
        return f"How do I {' '.join(words[2:])}?"
    return None


def of_statement(sentence: str, page: str = "") -> str | None:
    """Return the question that a statement answers; None if there is no simple one.

    `page` shows which words are in lower case inside a sentence.
    """
    words = sentence.rstrip(".!").split()
    for at, verb in enumerate(words[1 : _MOST_SUBJECT_WORDS + 1], start=1):
        if question := _asked(verb, words[at + 1 :]):
            # "When does an exception end?" leaves open which one.
            begins = _ARTICLES if question.startswith(("What is", "What are", "When")) else _BEGINS
            subject = _subject(words[:at], begins, page)
            return question.format(subject) if subject else None
    return None


def _asked(verb: str, rest: Sequence[str]) -> str | None:
    """Return the question about the subject of this verb, with `{}` for the subject."""
    if len(rest) < 2:
        return None
    is_amount = bool(_AMOUNT.match(rest[0]))
    if verb in ("is", "are") and (is_amount or rest[0] in ("a", "an", "the")):
        return f"What {verb} {{}}?"
    if verb in ("has", "have") and is_amount and (counted := _counted(rest[1:])):
        return f"How many {counted} {'does' if verb == 'has' else 'do'} {{}} have?"
    if verb in ("costs", "cost"):
        return f"What {'does' if verb == 'costs' else 'do'} {{}} cost?"
    if verb in _HOW_LONG:
        return f"How long does {{}} {_HOW_LONG[verb]}?"
    if verb in _WHEN:
        return f"When does {{}} {_WHEN[verb]}?"
    return None


def _counted(words: Sequence[str]) -> str | None:
    """Return what an amount counts: "days of vacation"."""
    length = 3 if words[1:2] == ["of"] and len(words) > 2 else 1
    counted = [word.rstrip(",;:") for word in words[:length]]
    is_plural = counted[0].isalpha() and counted[0].islower() and counted[0].endswith("s")
    return " ".join(counted) if is_plural and all(map(_WORD.fullmatch, counted)) else None


def _subject(words: Sequence[str], begins: Mapping[str, str], page: str) -> str | None:
    first = words[0].casefold()
    if first in _NO_SUBJECT or not all(_WORD.fullmatch(word) for word in words):
        return None
    if first in begins:
        words = [begins[first], *words[1:]]
    elif first in _BEGINS:
        return None
    elif f" {first} " in page:  # elsewhere it is not a name
        words = [first, *words[1:]]
    return " ".join(words) if len(words) > 1 or first not in (_ARTICLES | _INDEFINITE) else None
