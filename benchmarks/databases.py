"""A database of its own for a benchmark, on a home's server, dropped at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url

from workers.database.schema import migrate
from workers.embedded.servers import EmbeddedPostgres
from workers.settings import Settings


@contextmanager
def own_database(shared: Settings) -> Iterator[Settings]:
    name = f"bench_{uuid4().hex[:8]}"
    url = make_url(shared.database_url.get_secret_value())
    with psycopg.connect(
        user="postgres", dbname="postgres", host=str(url.query["host"]),
        port=str(url.query["port"]), autocommit=True,
        password=EmbeddedPostgres(shared.home).superuser_password,
    ) as server:  # fmt: skip
        migrate(shared)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE ken").format(sql.Identifier(name)))
        fresh = url.set(database=name).render_as_string(hide_password=False)
        try:
            yield shared.model_copy(update={"database_url": SecretStr(fresh)})
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
