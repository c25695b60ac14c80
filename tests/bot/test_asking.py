"""Which messages without a mention are meant for Ken: a table, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.asking import asks_ken

FOR_KEN = [
    "Ken, how many days off do I have",
    "hey Ken",
    "ok ken what now",
    "where is the travel policy?",
    "什么时候发工资？",
    "ما هي سياسة الإجازات؟",
    "Որտեղ է գրասենյակը՞",
    "¿Dónde está la política?",
    "what is the limit for hotels",
    "who approves travel",
    "when does the office close",
    "how many days off are there",
    "which form do I need",
    "why is it refused",
    "can you look that up",
    "does anyone know the wifi password",
    "show me the travel policy",
    "tell us more about it please",
    "Also, what about trains?",
    "so how do I book",
    "wer genehmigt Reisen",
    "wie viele Urlaubstage habe ich",
    "was kostet das",
    "gibt es eine Richtlinie für Homeoffice",
    "zeig mir die Reiserichtlinie",
    "kannst du das nachsehen",
    "welche Frist gilt hier",
    "combien de jours de congé",
    "qui valide les voyages",
    "où est le formulaire",
    "comment demander un congé",
    "est-ce que c'est permis",
    "montre-moi la politique",
    "qué dice la política",
    "cuántos días tengo",
    "por qué se rechazó",
    "muéstrame la guía",
    "chi approva i viaggi",
    "quanti giorni ho",
    "come si prenota un treno",
    "mostrami il modulo",
    "and for interns, Ken?",
    "what about that, ken",
    "<https://wiki.example/x?y=1|the page> says 20, is that right?",
    "any idea who owns this",
    "please explain the second point",
    "*what* is the rule?",
    "do we have a policy for dogs",
    "is the office open on Monday",
    "does <@UBOB> need approval for travel?",
    "you mean 20 days?!",
    "ken could you check",
    "@ken list all holidays",
    "list all public holidays",
    "is this still valid",
]

NOT_FOR_KEN = [
    "",
    "   ",
    "thanks!",
    "thanks, Ken!",
    "Thank you Ken",
    "lol",
    ":question:",
    "?",
    "???",
    ":eyes: :+1:",
    "<@UBOB> can you look at this?",
    "<@UBOB>, what is this?",
    "what do you think, <@UBOB>?",
    "<!here> anyone up for lunch?",
    "@bob where are you",
    "```what is this?```",
    "`SELECT ?`",
    "&gt; what is the limit?",
    "&gt; what is the limit?\nI agree",
    "> what is it?\nyes",
    "<https://wiki.example/search?q=1>",
    "https://wiki.example/search?q=1&amp;x=2",
    "Ken said so yesterday",
    "Ken is on holiday",
    "I told Ken about it",
    "what a day",
    "What the hell",
    "What I meant was the other one",
    "when I arrive I will call",
    "where there is smoke there is fire",
    "which is fine",
    "who knows",
    "can do",
    "will do",
    "have a nice day",
    "is fine with me",
    "do it",
    "how nice",
    "why not",
    "whatever",
    "comment on the document please",
    "come here",
    "show must go on",
    "let me know",
    "list of things I bought",
    "wie gesagt, das ist fertig",
    "was für ein Tag",
    "wie schön",
    "que du bonheur",
    "quel dommage",
    "qué bien",
    "perfecto",
    "I'll do it tomorrow.",
    "done",
    "+1",
    "no",
    "a?b:c",
    "dove of peace",
    "resume attached",
    "who cares",
    "x" * 5000 + "?",
    "Kenya is nice",
    "kenneth, can you",
    "why we moved: the rent",
    "how it works is written down",
    "was nice meeting you",
    "chi sa",
    "as Ken wrote, it is 20",
]


@pytest.mark.parametrize("text", FOR_KEN)
def test_what_addresses_ken_or_asks_is_for_ken(text: str) -> None:
    assert asks_ken(text)


@pytest.mark.parametrize("text", NOT_FOR_KEN, ids=lambda text: text[:40])
def test_small_talk_and_what_is_for_others_is_not(text: str) -> None:
    assert not asks_ken(text)


@pytest.mark.parametrize("text", FOR_KEN)
def test_a_question_to_somebody_else_or_in_a_quotation_is_not_for_ken(text: str) -> None:
    assert not asks_ken(f"<@UBOB> {text}")
    assert not asks_ken(f"```{text}```")
    if "\n" not in text:
        assert not asks_ken(f"&gt; {text}")


def test_each_language_asks_without_a_question_mark() -> None:
    """Check the question words too: question marks alone would satisfy the table."""
    assert sum("?" not in text for text in FOR_KEN) >= 30


@given(st.text(max_size=5000))
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert asks_ken(text) in (True, False)
