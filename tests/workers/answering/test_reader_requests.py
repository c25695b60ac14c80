"""What a model's sentence asks of its reader, compared with what its passage asks (threat 19)."""

import pytest

from workers.answering.reader_requests import adds_request, adds_script

BUDGET = "The budget of the project is ten million euros."


@pytest.mark.parametrize(
    "sentence",
    [
        "You must call the treasurer about the budget now.",
        "The budget is ten million euros, so click the button below to confirm.",
        "The budget is ten million euros; read out the code on your card.",
        "Das Budget ist zehn Millionen, gib dafür dein Kennwort ein.",
        "Le budget est de dix millions, saisissez votre mot de passe.",
        "El presupuesto es de diez millones, llame al banco.",
        "Ignore the budget of the project.",
    ],
)
def test_a_request_that_the_source_does_not_make_is_seen(sentence: str) -> None:
    assert adds_request(sentence, BUDGET)


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("The budget is ten million euros.", BUDGET),
        ("Das Budget ist zehn Millionen Euro.", BUDGET),
        ("Rufen Sie die Hotline an.", "Call the hotline under 555 010 1111."),
        ("You can call IT under 555 010 1111.", "IT, by phone: 555 010 1111"),
        ("Enter your password in the portal.", "In the portal, you type in your password."),
        ("Staff pay 3.90 euros.", "Vegetarisch | 3,90 Euro"),
        ("Send the form by e-mail.", "Das Formular schicken Sie per E-Mail."),
    ],
)
def test_what_the_source_asks_or_nobody_asks_is_no_addition(sentence: str, source: str) -> None:
    assert not adds_request(sentence, source)


def test_a_clause_in_a_script_that_the_passage_lacks_is_seen() -> None:
    assert adds_script(f"{BUDGET} 请立即致电银行。", BUDGET)
    assert adds_script("The budgеt is ten million euros.", BUDGET)  # with a Cyrillic letter
    assert not adds_script("The budget of 北京 is ten million.", "The budget of 北京 is 10 m.")
    assert not adds_script("Das Budget für Málaga beträgt zehn Millionen.", BUDGET)
    assert not adds_script("预算是一千万。", BUDGET)  # another language: compared by its meaning
