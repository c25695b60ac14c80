"""What one question asks of PostgreSQL and of Slack: counts, which no machine's speed changes.

If you raise a limit, say in the change's description what the addition is for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

from policies import Class
from policies.described import Permissions
from tests.workers.slack_company import Company
from workers.upkeep import review

QUESTION = "What is the budget?"


@dataclass
class Counted:
    """What went over the wire, in the order in which it went."""

    statements: list[str] = field(default_factory=list)
    """All but BEGIN, COMMIT and ROLLBACK."""
    transactions: int = 0
    calls: list[str] = field(default_factory=list)


@contextmanager
def counted(company: Company) -> Iterator[Counted]:
    found = Counted()

    def executed(_: Any, __: Any, statement: str, *___: Any) -> None:
        found.statements.append(" ".join(statement.split()))

    def began(_: Any) -> None:
        found.transactions += 1

    before = len(company.slack.calls())
    event.listen(Engine, "before_cursor_execute", executed)
    event.listen(Engine, "begin", began)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", executed)
        event.remove(Engine, "begin", began)
        found.calls = [call.method for call in company.slack.calls()[before:]]


def asked_and_reviewed(company: Company, channel: str) -> tuple[Counted, Counted]:
    """The second question of somebody whom we know: its way to the end, and the first look."""
    company.person("alice")
    company.person("bob")
    members = Permissions(allow=frozenset({int(Class.MEMBERS)}))
    company.library.document("ours", "The budget is ten million.", members)
    company.asked(channel, "alice", QUESTION)
    review.review_all(company.services)
    question_id = company.said(channel, "alice", QUESTION)
    with counted(company) as answering:
        company.work(question_id)
    assert company.state(question_id) == ("answered", None)
    with counted(company) as looking:
        review.review_all(company.services)
    ((reviewed,),) = company.look(question_id, "SELECT reviewed_at IS NOT NULL FROM outbox")
    assert reviewed
    return answering, looking


def limited(counts: Counted, *, statements: int, transactions: int, calls: list[str]) -> None:
    assert counts.calls == calls
    assert counts.transactions <= transactions, counts.statements
    assert len(counts.statements) <= statements, counts.statements


# The three askings are three decisions: what may go into the prompt, whether the answer may be
# posted, and whether somebody came while it was on its way. None may rest on an older one's answer.
# One statement asks, in the snapshot of the search, which version of the index is active.
READERS = ["conversations.info", "conversations.members", "users.info"]
AT_WORK, AT_REST = ["agents.sessions.setStatus"], ["agents.sessions.setStatus"]
POST = ["chat.postMessage"]


def test_in_a_direct_message(company: Company) -> None:
    answering, looking = asked_and_reviewed(company, "DUALICE")
    limited(answering, statements=53, transactions=15, calls=[*AT_WORK, *POST, *AT_REST])
    limited(looking, statements=6, transactions=3, calls=[])


def test_in_a_channel_of_members_and_a_bot(company: Company) -> None:
    answering, looking = asked_and_reviewed(company, "CALL")
    answering.calls.remove(*AT_WORK)  # by a thread of its own, at any time
    calls = [*READERS, *READERS, *POST, *AT_REST]
    limited(answering, statements=56, transactions=17, calls=calls)
    limited(looking, statements=11, transactions=5, calls=READERS)
