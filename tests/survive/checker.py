"""What must hold after every fault, judged from the suite's own records (faults.md, Checker).

Each question that was asked has ended, visibly and once; nothing that was posted holds a canary
which one of its readers could not read at the epoch of the final check.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.survive.company import Past, State, readers
from workers.replies.rendering import ANSWERED_PRIVATELY, WITHDRAWN

Wrong = Literal["lost", "twice", "leak", "unsettled"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that somebody wrote to Ken."""

    number: int
    channel: str
    ts: str
    person: str
    at: float
    epoch: int
    """As it was before the message was written."""
    untold: bool = False
    """No reply could be posted for a while: it may have failed in silence."""

    @property
    def in_direct_message(self) -> bool:
        return self.channel.startswith("D")


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """A question as the database has it."""

    id: int
    event_id: str
    channel: str
    ts: str
    state: str
    reason: str | None
    leased: bool = False
    """Somebody's lease on it is alive."""


@dataclass(frozen=True, slots=True)
class Post:
    """A message of Ken's that stands in Slack."""

    channel: str
    ts: str
    thread_ts: str
    content: str
    """All of it: text, blocks, metadata."""
    text: str
    mark: str

    @property
    def kind(self) -> str:
        return self.mark.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Told:
    """What the model was sent for a question, by the question's number."""

    number: int
    content: str


@dataclass(frozen=True, slots=True)
class History:
    asked: list[Asked]
    kept: list[StoredQuestion]
    posts: list[Post]
    checks: Mapping[tuple[int, str], int]
    """The epoch of the final check of (question id, kind), from the `answer` rows."""
    past: Past
    canary: Mapping[str, str]
    epoch: int
    """As it is now."""
    told: list[Told] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Finding:
    wrong: Wrong
    number: int
    """Of the question; 0: of none."""
    words: str


def judge(history: History) -> list[Finding]:
    return [*_endings(history), *_strays(history), *_leaks(history), *_prompts(history)]


def last_words(kept: StoredQuestion, posts: Iterable[Post]) -> float | None:
    """When the question's last message was posted; None: it has none."""
    times = [float(post.ts) for post in posts if _event(post) == kept.event_id]
    return max(times, default=None)


def _endings(history: History) -> Iterable[Finding]:
    """One ending for each question, and each of its messages once."""
    kept = {(one.channel, one.ts): one for one in history.kept}
    by_event: dict[str, list[Post]] = {}
    for post in history.posts:
        by_event.setdefault(_event(post), []).append(post)
    for asked in history.asked:
        one = kept.get((asked.channel, asked.ts))
        if one is None:
            yield Finding("lost", asked.number, "the question was never kept")
            continue
        if one.state == "kept":
            yield Finding("lost", asked.number, f"question {one.id} is still open")
            continue
        if one.leased:
            yield Finding("unsettled", asked.number, f"question {one.id} ended, its lease has not")
        posts = by_event.get(one.event_id, [])
        yield from _doubles(asked, one, posts)
        if not _is_told(posts) and not (asked.untold and _is_audited(one)):
            found = ", ".join(post.kind for post in posts) or "nothing"
            words = f"question {one.id} is {one.state} ({one.reason}), and {found} was posted"
            yield Finding("lost", asked.number, words)


def _doubles(asked: Asked, one: StoredQuestion, posts: list[Post]) -> Iterable[Finding]:
    for kind, count in Counter(post.kind for post in posts).items():
        if count > 1:
            yield Finding("twice", asked.number, f"question {one.id}: {kind} stands {count} times")
    kinds = {post.kind for post in posts}
    if asked.in_direct_message and len(kinds) > 1:
        yield Finding("twice", asked.number, f"question {one.id}: {' and '.join(sorted(kinds))}")
    in_channel = [post for post in posts if post.kind == "channel"]
    for post in in_channel if len(kinds) > 1 else ():
        # An answer that was withdrawn before its question ended is given again, to the asker alone.
        if post.text not in (ANSWERED_PRIVATELY, WITHDRAWN):
            words = f"question {one.id}: answered privately, and in the channel: {post.text[:100]}"
            yield Finding("twice", asked.number, words)


def _is_told(posts: list[Post]) -> bool:
    """A message that says more than that the answer is elsewhere."""
    return any(post.text != ANSWERED_PRIVATELY for post in posts)


def _is_audited(one: StoredQuestion) -> bool:
    return one.state in ("failed", "abstained") and bool(one.reason)


def _strays(history: History) -> Iterable[Finding]:
    """A message of ours that belongs to no question that was asked."""
    events = {one.event_id for one in history.kept}
    for post in history.posts:
        if _event(post) not in events:
            yield Finding("twice", 0, f"a message in {post.channel} at {post.ts} answers nothing")


def _leaks(history: History) -> Iterable[Finding]:
    """Threats 1 to 4, whatever broke."""
    kept = {one.event_id: one for one in history.kept}
    numbers = {(one.channel, one.ts): one for one in history.asked}
    for post in history.posts:
        spilled = [t for t, canary in history.canary.items() if canary in post.content]
        one = kept.get(_event(post))
        asked = numbers.get((one.channel, one.ts)) if one else None
        if not spilled or one is None or asked is None:
            continue
        epoch = history.checks.get((one.id, post.kind))
        if epoch is None:
            yield Finding("leak", asked.number, f"question {one.id}: posted without a final check")
            continue
        if epoch < asked.epoch:
            yield Finding("leak", asked.number, f"question {one.id}: checked before it was asked")
        yield from _unreadable(asked, post.channel, spilled, history.past.at(epoch), epoch)


def _unreadable(
    asked: Asked, channel: str, spilled: list[str], state: State, epoch: int
) -> Iterable[Finding]:
    for topic in spilled:
        for person in readers(channel):
            if not state.may_read(person, topic) and not _is_out(state, person, channel):
                words = f"{topic} in {channel}: {person} may not read it at epoch {epoch}"
                yield Finding("leak", asked.number, words)


def _is_out(state: State, person: str, channel: str) -> bool:
    """A public channel is read by everybody of the company; a suspended person is not of it."""
    return channel == "CALL" and person in state.suspended


def _prompts(history: History) -> Iterable[Finding]:
    """The model is sent nothing that the asker could never read meanwhile."""
    numbers = {one.number: one for one in history.asked}
    for told in history.told:
        asked = numbers[told.number]
        states = history.past.between(asked.epoch, history.epoch)
        for topic, canary in history.canary.items():
            if canary in told.content and not any(s.may_read(asked.person, topic) for s in states):
                yield Finding("leak", asked.number, f"{topic} in the prompt for {asked.person}")


def _event(post: Post) -> str:
    return post.mark.rpartition("/")[0]
