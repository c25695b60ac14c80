"""Runs the peers of `peers.py` in an environment and a database of their own, on the same data."""

import json
import os
import subprocess
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import make_url

from benchmarks.search import peers
from benchmarks.search.company import Company
from workers.embedded.servers import EmbeddedPostgres
from workers.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as each method gets it, and what it should find."""

    level: float
    vector: NDArray[np.float32]
    policies: NDArray[np.int64]
    exact: NDArray[np.int64]


def beside(company: Company, settings: Settings, asked: Sequence[Asked]) -> dict[str, Any]:
    """Return the figures of each peer, with the settings that it ran with."""
    place = settings.home / "peers"
    python = _environment(place)
    workload = place / "workload.npz"
    np.savez(
        workload,
        vectors=company.vectors,
        policies=company.policies_of_chunks(),
        questions=np.stack([one.vector for one in asked]),
        levels=np.array([one.level for one in asked]),
        seen=np.concatenate([one.policies for one in asked]),
        seen_counts=np.array([len(one.policies) for one in asked]),
        exact=np.concatenate([one.exact for one in asked]),
        exact_counts=np.array([len(one.exact) for one in asked]),
    )
    with _empty_database(settings) as url:
        done = subprocess.run(
            [python, peers.__file__, workload],
            env={**os.environ, "PEERS_DATABASE": url},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {one.pop("name"): one for one in found}


def _environment(place: Path) -> Path:
    python = place / "bin" / "python"
    if not (place / "made").exists():
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *peers.PEERS], check=True)
        (place / "made").touch()
    return python


@contextmanager
def _empty_database(settings: Settings) -> Iterator[str]:
    name = f"peers_{uuid4().hex[:8]}"
    where = make_url(settings.database_url.get_secret_value())
    password = EmbeddedPostgres(settings.home).superuser_password
    root = where.set(username="postgres", password=password)
    with psycopg.connect(_address(root, "postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            with psycopg.connect(_address(root, name), autocommit=True) as inside:
                inside.execute("CREATE EXTENSION vector")
            yield _address(root, name)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _address(root: Any, database: str) -> str:
    address: str = root.set(database=database, drivername="postgresql").render_as_string(
        hide_password=False
    )
    return address
