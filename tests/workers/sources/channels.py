"""The Slack double as a source: what is said there, a pass over it, and what can then be read."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from bot.playground.client import Playground
from tests.workers.ingest.folder import FakeEmbedder, Shelf
from workers.database.sessions import Database
from workers.ingest.push import Pushing
from workers.sources import store
from workers.sources.crawl import Pass, Wanted, crawl
from workers.sources.kinds import connect
from workers.sources.slack.channels import KIND, Options, SlackChannels

SOURCE = "slack:T1"
PEOPLE = {"UALICE": False, "UBOB": False, "UCARL": False, "UGUEST": True}
"""Of the company, each linked to their account; guests are True."""


@dataclass
class Channels:
    database: Database
    slack: Playground
    pushing: Pushing
    embedder: FakeEmbedder
    waited: list[float] = field(default_factory=list)

    def add(self, *channels: str, secret: str = "", with_bots: bool = False) -> None:
        options = Options(channels, with_bots).to_json()
        given = SecretStr(secret) if secret else None
        store.put(self.database, SOURCE, KIND, options, actor="test", secret=given)

    def connector(self) -> SlackChannels:
        found = connect(self.database, store.read(self.database, SOURCE))
        assert isinstance(found, SlackChannels)
        found.wait = self.waited.append
        return found

    def crawl(self, **wanted: bool) -> Pass:
        return crawl(
            self.database, self.connector(), self.pushing, wanted=Wanted(**wanted), actor="crawl"
        )

    def readable_by(self, *people: str) -> set[str]:
        """The threads that all of these may read, by what stands in them."""
        shelf = Shelf(self.database)
        texts = shelf.texts()
        return {texts[name] for name in shelf.readable_by(*people)}

    def threads(self) -> dict[str, str]:
        return Shelf(self.database).texts()

    def state(self) -> dict[str, Any]:
        """Everything that a pass leaves, without numbers that count tries."""
        shelf = Shelf(self.database)
        nodes = """
            SELECT node.native_id, kind, above.native_id, node.inherit, node.acl_state,
                   node.gone_at IS NULL,
                   (SELECT array_agg(what ORDER BY what) FROM (
                        SELECT effect || ':' || coalesce(user_group.native_id,
                                                         principal_id::text) AS what
                        FROM entry LEFT JOIN user_group ON user_group.id = principal_id
                        WHERE node_id = node.id) AS entries)
            FROM node LEFT JOIN (SELECT id, native_id FROM node) AS above ON above.id = parent_id
            ORDER BY 1
        """
        members = """
            SELECT user_group.native_id, source_account.native_id FROM membership
            JOIN user_group ON user_group.id = group_id
            JOIN source_account ON source_account.id = member_id ORDER BY 1, 2
        """
        titles = "SELECT native_id, title, url, updated_at FROM document ORDER BY 1"
        found = {"nodes": nodes, "members": members, "titles": titles}
        rows = {name: shelf.rows(query) for name, query in found.items()}
        return {**rows, "texts": shelf.texts(), "whole": shelf.is_whole()}
