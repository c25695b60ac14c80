"""The JSON of a draft: found wherever a model put it, believed only in its form."""

import json
from contextlib import suppress
from typing import Any

import pytest

from workers.models.base import Sentence
from workers.models.draft import Unterminated, find

ONE = {"passage": 1, "quote": "Badges are handed out", "text": "You get a badge."}
TWO = {"passage": 2, "quote": "Doors close at nine", "text": "Doors close at nine."}
WHOLE = json.dumps({"sentences": [ONE, TWO]})
SENTENCES = (
    Sentence("You get a badge.", 1, "Badges are handed out"),
    Sentence("Doors close at nine.", 2, "Doors close at nine"),
)
OTHER = json.dumps({"sentences": [{"passage": 9, "quote": "x y z", "text": "A thought."}]})


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        f"  {WHOLE}\n",
        f"\ufeff{WHOLE}",
        f"<think>Maybe {OTHER}?</think>\n{WHOLE}",
        f"Maybe {OTHER}?\n</think>\n\n{WHOLE}",
        f"<thinking>hm</thinking>{WHOLE}",
        f"[THINK]hm {OTHER}[/THINK]{WHOLE}",
        json.dumps({"sentences": [ONE, TWO]}, indent=2),
    ],
)
def test_the_object_alone_is_exact_whatever_was_thought_before(text: str) -> None:
    found = find(text)
    assert found is not None
    assert found.draft.sentences == SENTENCES
    assert found.exact


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{WHOLE}\n```",
        f"```\n{WHOLE}```",
        f"Here is the JSON [as you asked]:\n{WHOLE}",
        f"{WHOLE}\n\nLet me know if you need {{more}}.",
        f"<think>I never stop thinking. {WHOLE}",
        f"<think>{WHOLE}</think>",
        f"First {OTHER}, but rather:\n{WHOLE}",
        f'In the form {{"sentences": []}}: {WHOLE}',
        json.dumps({"reasoning": "x {", "sentences": [ONE, TWO]}),
        json.dumps({"answer": {"sentences": [ONE, TWO]}}),
        json.dumps({"name": "answer", "arguments": {"sentences": [ONE, TWO]}}),
        json.dumps([ONE, TWO]),
        WHOLE.replace("}]}", "},]}"),
        WHOLE.replace("}]}", "}],\n}"),
        WHOLE.replace('"passage": 1', '"passage": "1"').replace('"passage": 2', '"passage": "[2]"'),
        WHOLE.replace('"passage": 1', '"passage": 1.0'),
        json.dumps({"sentences": [{**ONE, "why": "x"}, TWO]}),
        WHOLE.replace('"passage": 1', '"passage": "Passage 1"'),
        json.dumps(WHOLE),
        f"```json\n{json.dumps(WHOLE)}\n```",
        json.dumps({"answer": WHOLE}),
        json.dumps({"sentences": [ONE, TWO]}, indent=2).replace("\n", "\\n"),
    ],
)
def test_what_stands_around_it_does_not_hide_it_and_is_not_exact(text: str) -> None:
    found = find(text)
    assert found is not None
    assert found.draft.sentences == SENTENCES
    assert not found.exact


@pytest.mark.parametrize("copied", ["Write [1, ] or {a, }.", "It ends with </think> there."])
def test_what_is_quoted_is_not_taken_for_a_slip_or_the_end_of_a_thought(copied: str) -> None:
    found = find(json.dumps({"sentences": [{**ONE, "quote": copied}]}))
    assert found is not None
    assert found.draft.sentences[0].quote == copied
    assert found.exact


def test_one_sentence_needs_no_list_and_a_line_may_break_within_it() -> None:
    for one in (json.dumps(ONE), json.dumps({"sentences": ONE})):
        found = find(one)
        assert found is not None
        assert found.draft.sentences == SENTENCES[:1]
    broken = find(WHOLE.replace("handed out", "handed\nout"))
    assert broken is not None
    assert broken.draft.sentences[0].quote == "Badges are handed\nout"


def test_no_sentences_are_an_answer_and_nothing_is_none() -> None:
    found = find('{"sentences": []}')
    assert found is not None
    assert (found.draft.sentences, found.exact) == ((), True)
    nothing = find('{"sentences": null}')
    assert nothing is not None
    assert (nothing.draft.sentences, nothing.exact) == ((), False)
    for text in ("", "ready", "I do not know [1].", "{}", "[]", "null", '{"answer": "yes"}'):
        assert find(text) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"passage": "first"},
        {"passage": True},
        {"passage": 1.5},
        {"passage": None},
        {"quote": None},
        {"quote": ["Badges"]},
        {"text": 7},
    ],
)
def test_a_sentence_of_another_form_makes_the_whole_no_draft(wrong: dict[str, Any]) -> None:
    assert find(json.dumps({"sentences": [TWO, {**ONE, **wrong}]})) is None


def test_of_a_draft_that_is_broken_no_part_is_taken() -> None:
    assert find(WHOLE.replace('"text": "Doors close at nine."', "text: ?")) is None


def test_the_schema_written_back_is_no_draft() -> None:
    assert find('{"type": "object", "properties": {"sentences": {"type": "array"}}}') is None


@pytest.mark.parametrize("length", range(17, len(WHOLE) - 1))
def test_a_cut_is_distinguished_from_an_answer_at_every_length(length: int) -> None:
    """Whole sentences before a cut are not the answer: what was cut might contradict them."""
    for around in ("{}", "```json\n{}", "Here it is: {}", "<think>hm</think>{}"):
        with pytest.raises(Unterminated):
            find(around.replace("{}", WHOLE[:length]))


def test_a_cut_within_an_escape_is_one() -> None:
    whole = json.dumps({"sentences": [{**ONE, "quote": 'Caf\u00e9 "\u2603" \\\n'}]})
    for length in range(17, len(whole) - 1):
        with pytest.raises(Unterminated):
            find(whole[:length])


@pytest.mark.parametrize(
    "text",
    [
        '"{\\n' * 50_000,
        '"{' + " " * 200_000,
        "{\\n" * 100_000,
        "{" * 100_000,
        "[" * 100_000,
        '{"a":' * 50_000,
        '[{"a":[' * 50_000,
        '{"sentences": ' * 20_000,
        '"' * 100_000,
        "{, " * 50_000,
        ", " * 100_000 + "]",
        '{"passage": ' + "9" * 100_000 + "}",
        "</think>" * 40_000,
        '{"a": {' * 400 + "x" * 200_000,
    ],
)
def test_whatever_is_written_is_read_to_its_end(text: str) -> None:
    """With a search that is worse than linear this takes minutes."""
    with suppress(Unterminated):
        assert find(text) is None
