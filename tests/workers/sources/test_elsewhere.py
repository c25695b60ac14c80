"""The same pass over a Slack of somebody else (npm emulate): threads, edits, deletions, members.

It is installed into build/emulate when the test runs; where that is not possible it is skipped.
"""

import re

from pydantic import SecretStr

from bot.playground.client import Playground
from policies.change import Change
from policies.described import Person
from tests.bot.test_emulate import theirs
from tests.servers import opened
from tests.workers.ingest.folder import Shelf
from tests.workers.sources.channels import Channels
from workers.sources import store
from workers.sources.crawl import Wanted, crawl
from workers.sources.kinds import connect
from workers.sources.slack.channels import KIND, Options


def test_a_slack_that_somebody_else_wrote_is_read_as_ours(
    channels: Channels, slack: Playground
) -> None:
    with theirs() as side:
        changes = {"slack_api_url": side.ken.base_url, "slack_bot_token": SecretStr("xoxb-ken")}
        database = opened(channels.database.settings.model_copy(update=changes))
        source = f"slack:{side.ken.auth_test()['team_id']}"
        with database.session("syncer") as session:
            change = Change(session, actor="test")
            for name in ("alice", "bob"):
                change.put_user(change.put_source(source), Person(side.ids[name], name))
        chosen = (side.ids["shared"], side.ids["board"], side.ids["closed"])
        store.put(database, source, KIND, Options(chosen).to_json(), actor="test")
        kept, gone = (side.write("shared", text) for text in ("Where is it?", "Delete me."))
        side.write("board", "The plan.")
        side.ken.chat_postMessage(channel=side.ids["shared"], text="I answer.", thread_ts=kept)
        shelf = Shelf(database)

        def passed() -> set[str]:
            connector = connect(database, store.read(database, source))
            done = crawl(database, connector, channels.pushing, wanted=Wanted(), actor="test")
            assert all(side.ids["closed"] in one for one in done.problems)
            assert len(done.problems) == 1
            return {re.sub(r" \(.{10}\)", "", text) for text in shelf.texts().values()}

        assert passed() == {
            "Alice Adams: Where is it?",
            "Alice Adams: Delete me.",
            "Alice Adams: The plan.",
        }
        read = {
            name: {shelf.texts()[one] for one in shelf.readable_by(side.ids[name])}
            for name in ("alice", "bob")
        }
        assert len(read["alice"]) == 3
        assert read["bob"] == {one for one in read["alice"] if "plan" not in one}

        alice = side.ken.__class__(token="xoxb-alice", base_url=side.ken.base_url)
        alice.chat_delete(channel=side.ids["shared"], ts=gone)
        alice.chat_update(channel=side.ids["shared"], ts=kept, text="Where is the key?")
        alice.conversations_invite(channel=side.ids["board"], users=[side.ids["bob"]])
        assert passed() == {"Alice Adams: Where is the key?", "Alice Adams: The plan."}
        assert shelf.readable_by(side.ids["bob"]) == shelf.readable_by(side.ids["alice"])
