"""What Ken would say to a question: nothing is stored, posted or counted against its asker.

For `ken eval`. It takes the same steps as `answer.py`, which decides all of them; a test compares
what both say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workers.answering.answer import places_of
from workers.answering.audience import Resolved
from workers.answering.composing import Composed, compose_for, is_unclear, words_for_nothing
from workers.answering.talk import reply_to_request, reply_to_talk
from workers.intake.messages import Question
from workers.people import language, memory
from workers.replies import rendering as say
from workers.replies.outbox import Kind
from workers.services import Services
from workers.slack.messenger import Said


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One reply, and where it would be given."""

    kind: Kind
    composed: Composed
    is_refusal: bool = False
    """Whether there was no answer for these readers."""


def rehearse(
    services: Services,
    question: Question,
    readers_in: Callable[[Kind], Resolved | None],
    before: Sequence[Said] = (),
    *,
    seed: int = 0,
) -> list[Rehearsed]:
    """Return the replies to a question that is addressed to Ken, in the order of posting.

    `readers_in`: who reads a reply of this kind; None if no reply may be given there. `before`:
    what people wrote earlier in the thread, oldest first. `seed`: which variant of a reply to talk.

    Raises LayersDisagree, ModelUnavailable.
    """
    kinds = places_of(question)
    words = _words_on_memory(question, kinds[0]) or reply_to_talk(
        question.text, seed, follows=bool(before)
    )
    if words is None and is_unclear(question, before):
        words = say.UNCLEAR
    if words is not None:
        return [Rehearsed(kinds[0], Composed(say.notice(words)))]
    wishes = language.wishes_of(services, question)
    replies: list[Rehearsed] = []
    for kind in kinds:
        resolved = readers_in(kind)
        composed = (
            Composed(say.Reply(""))
            if resolved is None
            else compose_for(services, question, kind, resolved, before, wishes)
        )
        if composed.reply.lines or composed.reply.asks_back:
            return [*replies, Rehearsed(kind, composed)]
        is_refusal = reply_to_request(question.text) is None
        nothing = composed
        if not composed.reply.pages:
            nothing = Composed(words_for_nothing(question, kind), composed.passages)
        replies.append(Rehearsed(kind, nothing, is_refusal))
    return replies


def _words_on_memory(question: Question, first: Kind) -> str | None:
    """Return what is said to a wish to remember or forget, which is not fulfilled here."""
    wish = memory.wish_in(question.text)
    if wish is None:
        return None
    if first is not Kind.DIRECT:
        return memory.IN_PRIVATE
    return memory.CLEARED if isinstance(wish, memory.Forget) else memory.REMEMBERED
