"""What was said in a channel is answered from: to those who may read it, while it stands."""

from bot.playground.client import Playground
from tests.servers import opened
from tests.workers.slack_company import Company
from tests.workers.sources.channels import SOURCE
from workers.ingest.parse import Parser
from workers.ingest.push import Pushing
from workers.sources import store
from workers.sources.crawl import Wanted, crawl
from workers.sources.kinds import connect
from workers.sources.slack.channels import KIND, Options

ASKED = "When is the bridge loan paid back?"
SAID = "The bridge loan is paid back on 15 March 2027."


def test_an_answer_reaches_a_channels_readers_and_ends_with_what_was_said(
    company: Company, slack: Playground, thread_parser: Parser
) -> None:
    """A revocation and a deletion in Slack are out of answers after the next pass."""
    database = opened(company.services.settings)
    pushing = Pushing(database, thread_parser, lambda: (company.library.embedder, None))
    for name in ("alice", "bob"):
        company.person(name)
    said = slack.say("CBOARD", "UALICE", SAID)
    store.put(database, SOURCE, KIND, Options(("CBOARD",)).to_json(), actor="test")

    def passed(*, permissions_only: bool = False) -> None:
        connector = connect(database, store.read(database, SOURCE))
        wanted = Wanted(permissions_only=permissions_only)
        crawl(database, connector, pushing, wanted=wanted, actor="test")

    def told(channel: str, person: str) -> bool:
        """Whether the model was shown what was said."""
        company.model.shown.clear()
        company.asked(channel, person, ASKED)
        return any(SAID in one.text for _, found in company.model.shown for one in found)

    passed()
    assert told("CBOARD", "alice")
    assert any("15 March 2027" in repr(post.blocks) for post in company.posts("CBOARD"))
    assert told("CALL", "bob")  # to Bob alone
    assert not any("March" in repr(post.blocks) for post in company.posts("CALL"))

    slack.leave("CBOARD", "UBOB")
    passed(permissions_only=True)
    assert not told("CALL", "bob")
    assert told("CBOARD", "alice")

    slack.delete("CBOARD", said.ts)
    passed()
    assert not told("CBOARD", "alice")
