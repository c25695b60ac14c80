"""Ways to say the same that are kept, each beside a false sentence of the same shape."""

import pytest

from tests.workers.answering.passages import passage
from workers.claims.check import check
from workers.claims.verdict import Verdict

PRICES = """Prices are in thousand euros a year.

| Model | Flow per hour | 1 piece | From 10 pieces |
| --- | --- | --- | --- |
| KX-30 | 3,000 litres | 52 | 47 |
| KX-70 | 7,000 litres | 81 | 76 |"""
STEPS = """To open the vault:

1. Enter the long code.
2. Turn the wheel to the left.
3. Pull the handle with both hands."""
NOT_PAID = """The following are **not** paid by the company:

- fines for wrong parking
- drinks from the minibar"""


def verdict(text: str, sentence: str, quote: str, language: str = "en") -> Verdict:
    page = passage(text, title="Handbook", heading="Notes", language=language)
    return check(sentence, quote or text, page).verdict


# (the passage, the quote or "" for all of it, a true sentence, a false one of its shape)
AMOUNTS = [
    ("The tank holds 7,000 litres.", "", "The tank holds 7 cubic metres.",
     "The tank holds 70 cubic metres."),
    ("The crossing takes 1 h 40.", "", "The crossing takes 100 minutes.",
     "The crossing takes 140 minutes."),
    ("Sign up before 15 September.", "", "Sign up before 15/09.", "Sign up before 15/10."),
    ("The guide speaks Polish and German.", "",
     "The guide speaks two languages, Polish and German.",
     "The guide speaks three languages, Polish and German."),
    (STEPS, "Turn the wheel to the left", "The second step is to turn the wheel to the left.",
     "The third step is to turn the wheel to the left."),
    (PRICES, "KX-30 | 3,000 litres | 52 | 47", "One KX-30 costs 52 thousand euros.",
     "One KX-30 costs 47 thousand euros."),
    (PRICES, "KX-70 | 7,000 litres | 81 | 76", "From 10 pieces the KX-70 costs EUR 76,000 each.",
     "From 10 pieces the KX-70 costs EUR 81,000 each."),
    ("The rent is 21 pounds per square metre and month.", "",
     "The monthly rent is 21 pounds per square metre.",
     "The rent is 21 pounds per square metre and year."),
    ("Fire drills are held twice a year.", "", "Twice a year fire drills are held.",
     "Fire drills are held twice a month."),
]  # fmt: skip
BOUNDS = [
    ("Staff grants discounts of up to 5 %; up to 12 % the director decides.", "",
     "A discount between 5 and 12 % is decided by the director.",
     "A discount of at least 12 % is decided by the director."),
    ("Refunds of up to 500 EUR are signed by the clerk, larger ones by Mara Lund.", "",
     "Refunds of more than 500 EUR are signed by Mara Lund.",
     "Refunds of more than 500 EUR are signed by the clerk."),
    ("No machines heavier than 2 tonnes may stand upstairs.", "",
     "Machines upstairs may weigh no more than 2 tonnes.",
     "Only machines heavier than 2 tonnes may stand upstairs."),
    ("The hall is open from 6:30 to 20:00.", "", "The hall closes at 20:00.",
     "The hall closes at 6:30."),
    ("The fee is 20 % until 30 days before departure.", "",
     "Until 30 days before departure the fee is 20 %.",
     "Until 40 days before departure the fee is 20 %."),
]  # fmt: skip
ALSO = [
    ("Machines are checked every six months.", "", "Machines are checked twice a year.",
     "Machines are checked four times a year."),
    ("The ad cost a tenth less than planned.", "", "The ad cost 10 % less than planned.",
     "The ad cost a tenth more than planned."),
    ("The start was moved from October to January.", "",
     "From October the start was moved to January.",
     "The start was moved from January to October."),
    ("Ana chose Orlo because the dates fit.", "", "Because the dates fit, Ana chose Orlo.",
     "Ana chose Orlo because the price is lower."),
    ("Petra proposed a rerun in autumn; Luca was against it.", "",
     "A rerun in autumn was proposed by Petra.", "Luca proposed a rerun in autumn."),
    ("Only the two officers have a key.", "", "Nobody but the two officers has a key.",
     "Everyone has a key."),
    ("Photos are banned, except with a permit of Bo Falk.", "",
     "Photos are not allowed, except with a permit of Bo Falk.", "Photos are permitted."),
    ("The search is twice as fast as before.", "", "The search is two times as fast as before.",
     "The search is twice as fast as before and uses less memory."),
    ("A fourth van is expected in May.", "", "The fourth van should come in May.",
     "A fourth van has come in May."),
    ("Oil is changed once a year.", "", "The oil is changed once every year.",
     "Oil used to be changed once a year."),
]  # fmt: skip
NEGATIONS = [
    ("Nobody gets access until the course is passed.", "",
     "You only get access once the course is passed.",
     "You get access until the course is passed."),
    (NOT_PAID, "fines for wrong parking", "Fines for wrong parking are not paid.",
     "Fines for wrong parking are paid by the company."),
    ("The shop delivers on Tuesdays only.", "", "The shop does not deliver on any day but Tuesday.",
     "The shop does not deliver on Tuesdays."),
    ("The auditors found no debts.", "", "The firm is free of debts, the auditors found.",
     "The auditors found debts."),
    ("Guests can no longer change tags.", "", "Guests cannot change tags any more.",
     "Guests can change tags."),
    ("Later claims are rejected unless the head signs.", "",
     "Later claims are not accepted unless the head signs.",
     "Later claims are accepted unless the head signs."),
    ("The Weber family does not want to sell.", "", "The Weber family doesn't wish to sell.",
     "The Weber family wants to buy."),
    ("Nobody enters before the guard has opened.", "",
     "Only after the guard has opened may anybody enter.",
     "Only before the guard has opened may anybody enter."),
]  # fmt: skip
CONDITIONS = [
    ("Should it rain, the tour leaves an hour later.", "",
     "If it rains, the tour leaves an hour later.", "The tour leaves an hour later."),
    ("The fee is paid if your manager has approved the course.", "",
     "Provided your manager approved the course, the fee is paid.",
     "The fee of the course is paid."),
    ("The offer still has to be approved by Finance.", "", "Finance must still approve the offer.",
     "Finance has approved the offer."),
    ("The lift for hall 2 has been requested.", "", "A lift for hall 2 was requested.",
     "A lift for hall 2 was installed."),
    ("The site used 14 kWh, 6 % less than in 2024.", "",
     "The site used 14 kWh, which is 6 % less than in 2024.", "The site used 14 kWh in 2024."),
]  # fmt: skip
WHO = [
    ("The roof carries 60 people. Tools are kept below.", "The roof carries 60 people",
     "The roof can hold 60 people.", "The roof carries 60 tools."),
    ("Hana teaches welding; Viktor teaches first aid.", "", "Viktor teaches first aid.",
     "Viktor teaches welding."),
    ("Lutz asked for leasing. Joan prefers steel.", "Lutz asked for leasing",
     "Lutz asked for leasing.", "Joan asked for leasing."),
    ("Subletting needs the landlord's consent. The tenant pays.",
     "Subletting needs the landlord's consent", "The landlord has to consent to subletting.",
     "Subletting needs the tenant's consent."),
    ("Blood is kept at 2 °C; frozen plasma is kept for two years.", "",
     "Frozen plasma is kept for two years.", "Blood is kept for two years."),
    ("The desk (phone 4410, Monday to Friday) issues a pass if you travel.", "",
     "If you travel, the desk issues a pass.", "The desk issues a pass."),
]  # fmt: skip
GERMAN = [
    ("Mängel sind noch am selben Tag zu melden.", "",
     "Mängel müssen noch am selben Tag gemeldet werden.",
     "Mängel müssen nicht am selben Tag gemeldet werden."),
    ("Unfälle sind am selben Tag zu melden.", "", "Unfälle müssen am selben Tag gemeldet werden.",
     "Unfälle können am selben Tag gemeldet werden."),
    ("Gutschriften bis 500 Euro erstellt der Vertrieb, darüber entscheidet Frau Lund.", "",
     "Über Gutschriften von mehr als 500 Euro entscheidet Frau Lund.",
     "Über Gutschriften von mehr als 500 Euro entscheidet der Vertrieb."),
    ("Über die Kantine wird erst im April entschieden.", "",
     "Vor April wird nicht über die Kantine entschieden.",
     "Über die Kantine wurde im April entschieden."),
    ("Belege sind bis Freitag einzureichen.", "", "Belege müssen bis Freitag eingereicht werden.",
     "Belege müssen bis Montag eingereicht werden."),
    ("Eine zweite Sirene ist beantragt.", "", "Beantragt ist eine zweite Sirene.",
     "Eine zweite Sirene wurde eingebaut."),
    ("Herr Jansen prüft die Anträge, Frau Yilmaz zahlt sie aus.", "",
     "Die Anträge werden von Herrn Jansen geprüft.", "Frau Yilmaz prüft die Anträge."),
    ("Der alte Drucker wird nicht mehr gewartet.", "", "Man wartet den alten Drucker nicht mehr.",
     "Der alte Drucker wird gewartet."),
]  # fmt: skip
FRENCH = [
    ("Le bail n'a pas encore été résilié.", "", "Le bail n'est pas encore résilié.",
     "Le bail a été résilié."),
    ("Les demandes sont traitées sous dix jours ouvrés.", "",
     "Les demandes sont traitées sous deux semaines.",
     "Les demandes sont traitées sous trois semaines."),
    ("La prime sera versée en janvier.", "", "En janvier la prime sera versée.",
     "La prime a été versée en janvier."),
]  # fmt: skip
SPANISH = [
    ("Para entrar hace falta la tarjeta.", "", "No se puede entrar sin la tarjeta.",
     "Se puede entrar sin la tarjeta."),
    ("El sistema se pondrá en marcha en octubre.", "",
     "En octubre se pondrá en marcha el sistema.", "El sistema se puso en marcha en octubre."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "quote", "true", "false"), [*AMOUNTS, *BOUNDS, *ALSO, *NEGATIONS, *CONDITIONS, *WHO]
)
def test_another_way_to_say_it_is_kept_and_a_false_one_is_dropped(
    text: str, quote: str, true: str, false: str
) -> None:
    assert verdict(text, true, quote).is_kept, verdict(text, true, quote)
    assert not verdict(text, false, quote).is_kept


@pytest.mark.parametrize(
    ("language", "text", "quote", "true", "false"),
    [
        *(("de", *case) for case in GERMAN),
        *(("es", *case) for case in SPANISH),
        *(("fr", *case) for case in FRENCH),
    ],
)
def test_so_it_is_in_other_languages(
    language: str, text: str, quote: str, true: str, false: str
) -> None:
    assert verdict(text, true, quote, language).is_kept, verdict(text, true, quote, language)
    assert not verdict(text, false, quote, language).is_kept


def test_a_question_says_nothing() -> None:
    text = "May I use the scanner at home? No. Only in the office."
    assert not verdict(
        text, "You may use the scanner at home.", "May I use the scanner at home"
    ).is_kept
