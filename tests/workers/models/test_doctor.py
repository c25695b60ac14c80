"""What the doctor says of a model's server: how it is asked, what is wrong, what to do."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.workers.models.servers import (
    CANARY,
    FOR_GOOD,
    WRITTEN,
    Kind,
    Reply,
    Serve,
    Server,
    both,
    ignoring,
    only_chat,
    responses,
)
from workers.cli import doctor
from workers.models import openai
from workers.models.failure import explained
from workers.settings import Settings


def examined(server: Server, **more: Any) -> doctor.Finding:
    return doctor._model(Settings(home=Path("x"), model_base_url=server.host, **more))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (both, "by Responses API."),
        (
            ignoring,
            "by Chat Completions with a JSON schema (Responses API gives the wrong form).",
        ),
        (only_chat, "by Chat Completions with a JSON schema (there is no Responses API)."),
    ],
)
def test_doctor_says_how_it_is_asked_and_shows_a_verified_answer(
    serve: Serve, kind: Kind, said: str
) -> None:
    found = examined(serve(kind))
    assert (found.ok, found.warns) == (True, False)
    assert said in found.found
    assert "“From 11:30 to 14:00 on working days.” (verified" in found.found


def test_doctor_shows_nothing_that_no_passage_supports(serve: Serve) -> None:
    found = examined(serve(lambda path, body: responses(WRITTEN)))
    assert (found.ok, found.warns) == (True, True)
    assert "south door" not in found.found


@pytest.mark.parametrize(("reply", "reason"), FOR_GOOD.values(), ids=FOR_GOOD)
def test_doctor_says_what_is_wrong_and_what_to_do_and_nothing_of_the_servers_words(
    serve: Serve, reply: Reply, reason: str
) -> None:
    found = examined(
        serve(lambda path, body: reply), model_reasoning_effort="low", model_temperature=0.5
    )
    assert not found.ok
    assert f"({reason})" in found.found
    assert found.remedy
    assert CANARY not in found.found + found.remedy


def test_every_reason_has_words_for_an_operator() -> None:
    source = "".join(
        (Path(openai.__file__).parent / name).read_text()
        for name in ("openai.py", "forms.py", "failure.py")
    )
    fixed = re.findall(r'Failed\(Fault\.\w+, "(\w+)"', source)
    ended = re.findall(r'Ending\.\w+, "([\w/]+)"', source)
    assert len(fixed) > 5 < len(ended)
    unknown = explained("never heard of")
    assert [one for one in fixed + ended if explained(one) == unknown] == []


def test_doctor_asks_the_second_model_too(serve: Serve) -> None:
    first, second = serve(both), serve(only_chat)
    settings = Settings(
        home=Path("x"),
        model_base_url=first.host,
        fallback_model_name="small",
        fallback_model_base_url=second.host,
    )
    assert settings.fallback_model is not None
    found = doctor._model(settings.fallback_model, "second model")
    assert (found.ok, found.check) == (True, "second model")
    assert "small at" in found.found
    assert not first.asked
