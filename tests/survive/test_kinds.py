"""The fault suite's own parts: its kinds, its model, its clock, its supervisor."""

import asyncio
import json
import random
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import aiohttp
import pytest

from tests.survive import __main__ as survive
from tests.survive.cell import LEASE_S, SWEEP_S
from tests.survive.company import canaries, opening, question
from tests.survive.kinds import KINDS, REINDEX_POINTS, WORKER_POINTS
from tests.survive.model import MODES, Model
from tests.survive.play import AT_REST, Played, most_recovery_s
from tests.survive.process import Process, Supervisor, environment, wait_until
from tests.workers.answering.passages import passage
from workers.answering.verify import verify
from workers.models.base import Draft, Sentence

ROOT = Path(__file__).parent.parent.parent
SENTENCE = "The budget limit of Acme is qxbudget as agreed in year 2000."
OTHER = "The travel limit of Acme is qxtravel as agreed in year 2000."
SHOWN = f"Passages:\n\n[1] Budget\n{SENTENCE}\n\n[2] Travel\n{OTHER}\n\nQuestion: "


def test_names_are_unique_and_every_kind_comes_in_the_short_form() -> None:
    names = [kind.name for kind in KINDS]
    assert len(names) == len(set(names)) <= survive.SMALL
    drawn = survive._drawn(Namespace(kinds=[], count=survive.SMALL, seed=7))
    assert len(drawn) == survive.SMALL
    assert set(drawn) == set(names)
    assert drawn == survive._drawn(Namespace(kinds=[], count=survive.SMALL, seed=7))


def test_late_recovery_fails_the_full_run_only_and_what_is_wrong_fails_every_run() -> None:
    most_s = most_recovery_s([Played(AT_REST, 0, pace_s=one) for one in (1.5, 2.5)])
    late, in_time = (
        {"recovery_p99_s": most_s + more, "most_recovery_s": most_s} for more in (0.1, 0.0)
    )
    fine, wrong = Played("redis_killed", 1), Played("redis_killed", 1, words=["lost"])
    assert not survive._holds(late, [fine], in_full=True)
    assert survive._holds(late, [fine], in_full=False)
    assert survive._holds(in_time, [fine], in_full=True)
    assert not survive._holds(in_time, [fine, wrong], in_full=False)
    slow = Played("redis_stalled", 1, late=["an event was sent again"])
    assert [survive._holds(in_time, [slow], in_full=full) for full in (True, False)] == [
        False,
        True,
    ]


def test_recovering_is_judged_by_how_fast_the_machine_was_in_the_same_run() -> None:
    assert most_recovery_s([]) == LEASE_S + SWEEP_S
    assert most_recovery_s([Played(AT_REST, 0, pace_s=30.0)]) == LEASE_S + SWEEP_S + 30.0


def test_every_point_of_the_code_has_a_kind_and_every_kind_of_a_point_has_one() -> None:
    named = set()
    for folder in ("workers", "bot", "policies"):
        for file in (ROOT / folder).rglob("*.py"):
            named |= set(re.findall(r'\bcrashpoint\("(\w+)"\)', file.read_text()))
    ours = {*WORKER_POINTS, "asked", "kept", "rung"}
    ours |= {"sync_staged", "sync_applied", "sync_committed"}
    ours |= {"document_written", "document_committed", *REINDEX_POINTS}
    # a push of documents and a pass of a connector have no kind of their own yet
    elsewhere = {point for point in named if point.startswith(("push_", "crawl_"))}
    assert named - elsewhere == ours


def test_a_process_that_is_killed_is_started_again_and_one_that_is_stopped_is_not(
    tmp_path: Path,
) -> None:
    supervisor = Supervisor()
    command = ["timeit", "import time; time.sleep(60)"]
    one = Process("one", command, environment(), tmp_path / "log", lambda process: True)
    supervisor.run(one)
    first = one.pid
    one.signal(9)
    assert wait_until(lambda: bool(one.ended_at) and one.alive, 10, 0.01)
    assert one.pid != first
    one.signal(19)
    assert wait_until(lambda: one.frozen, 10, 0.01)
    supervisor.close()
    assert not one.alive
    assert len(one.ended_at) == 1


@pytest.mark.parametrize("shift_s", [3600, -3600])
def test_the_clock_of_a_process_can_be_moved(tmp_path: Path, shift_s: int) -> None:
    script = (
        "import tests.survive.clock, time, datetime; "
        "real = time.clock_gettime(time.CLOCK_REALTIME); "
        "print(round(time.time() - real), "
        "round(datetime.datetime.now(datetime.UTC).timestamp() - real), "
        "isinstance(datetime.datetime(2026, 1, 1), datetime.datetime))"
    )
    (tmp_path / "clock").write_text(str(shift_s))
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(KEN_CLOCK=str(tmp_path / "clock")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == [str(shift_s), str(shift_s), "True"]


def test_the_model_repeats_every_passage_for_even_numbers_and_the_right_one_for_odd_ones() -> None:
    assert asked(question("budget", 2)) == [(1, SENTENCE), (2, OTHER)]
    assert asked(question("budget", 3)) == [(1, SENTENCE)]
    assert asked(question("audit", 3)) == []


def test_what_the_model_quotes_passes_for_supported() -> None:
    draft = Draft(tuple(Sentence(q, n, q) for n, q in asked(question("budget", 2))))
    passages = (passage(SENTENCE, document="budget"), passage(OTHER, document="travel", number=2))
    assert verify(draft, passages).dropped == 0


def asked(words: str) -> list[tuple[int, str]]:
    """What the model answers, by its own server."""

    async def ask() -> list[tuple[int, str]]:
        model = Model()
        await model.start()
        url = f"http://127.0.0.1:{model.port}/v1/responses"
        body = {"input": SHOWN + words}
        async with aiohttp.ClientSession() as http, http.post(url, json=body) as response:
            said = (await response.json())["output"][0]["content"][0]["text"]
        await model.close()
        assert [told.content for told in model.told]
        return [(one["passage"], one["quote"]) for one in json.loads(said)["sentences"]]

    return asyncio.run(ask())


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in ("stall", "drip")])
def test_a_model_that_misbehaves_gives_no_sentence_that_is_supported(mode: str) -> None:
    async def ask() -> str:
        model = Model()
        await model.start()
        model.misbehave(mode)  # type: ignore[arg-type]
        url = f"http://127.0.0.1:{model.port}/v1/responses"
        try:
            body = {"input": SHOWN + question("budget", 2)}
            async with aiohttp.ClientSession() as http, http.post(url, json=body) as response:
                told = await response.text()
                return told if response.status == 200 else ""
        except aiohttp.ClientError:
            return ""
        finally:
            await model.close()

    told = asyncio.run(ask())
    assert SENTENCE not in told or '"incomplete"' in told


def test_a_seed_gives_the_same_company() -> None:
    assert opening(random.Random(3)) == opening(random.Random(3))
    assert canaries(3) == canaries(3) != canaries(4)
