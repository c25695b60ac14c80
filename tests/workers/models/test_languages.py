"""The language of a text: of short questions, of long documents, and unsure rather than wrong."""

import pytest

from workers.models.languages import language_of, language_of_part


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many vacation days do I have?", "en"),
        ("who is my manager", "en"),
        ("Wie viele Urlaubstage habe ich?", "de"),
        ("wer ist mein chef", "de"),
        ("Kündigungsfrist", "de"),
        ("Combien de jours de congé ai-je ?", "fr"),
        ("C’est où, l’équipe ?", "fr"),
        ("et pour les stagiaires ?", "fr"),
        ("¿Y los becarios?", "es"),
        ("cuando se paga la nomina", "es"),
        ("Quanti giorni di ferie ho?", "it"),
        ("Quantos dias de férias tenho?", "pt"),
        ("Hoeveel vakantiedagen heb ik?", "nl"),
        ("Сколько у меня дней отпуска?", "ru"),
        ("Скільки днів відпустки я маю?", "uk"),
        ("我有多少天年假？", "zh"),
        ("有給休暇は何日ありますか", "ja"),
        ("휴가가 며칠 있나요?", "ko"),
        ("كم يوم إجازة لدي؟", "ar"),
    ],
)
def test_a_short_question_is_told(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["", "  \n", "KEP-4876", "etcd", "Müller", "12.5 %", "🙂", "___"])
def test_names_numbers_and_nothing_are_unsure(text: str) -> None:
    assert language_of(text) == ""


def test_a_foreign_name_or_term_does_not_decide() -> None:
    assert language_of("Who is Jürgen Müller in the team?") == "en"
    assert language_of('What does "Elternzeit" mean?') == "en"
    assert language_of("Wo ist das Onboarding im Confluence?") == "de"


def test_accents_may_be_written_in_two_parts() -> None:
    assert language_of("Ku\u0308ndigungsfrist fu\u0308r mich") == "de"


def test_the_script_with_most_letters_decides() -> None:
    assert language_of("Kubernetes 集群如何升级以及如何回滚到旧版本") == "zh"
    assert language_of("How do I write Привет in the profile of my team?") == "en"


@pytest.mark.parametrize(
    "text", ["a" * 40_000, "l'" * 20_000, "\u0308" * 40_000, "\ud800" * 40_000, "\x00" * 40_000]
)
def test_hostile_text_is_unsure(text: str) -> None:
    assert language_of(text) == ""


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert language_of("und der die das " * 1_000 + "the of and to " * 10_000) == "de"


@pytest.mark.parametrize(
    "text",
    [
        "## Stakeholder SIGs\n\n- SIG Apps\n- SIG Architecture\n- SIG Autoscaling\n- SIG CLI",
        "- k8s.io/apiextensions-apiserver/pkg/apiserver/schema: 2023-02-15 - 85.1",
        "## Drawbacks\n\nTODO",
    ],
)
def test_a_list_of_names_or_paths_is_in_the_language_of_its_document(text: str) -> None:
    assert language_of(text) not in ("", "en")  # by itself, one word of it decides
    assert language_of_part(text, "en") == "en"
    assert language_of_part(text, "fr") == "fr"


def test_a_part_that_is_written_in_another_language_is_in_that_one() -> None:
    german = "Der Antrag muss zwei Wochen vor dem Urlaub gestellt werden, und zwar beim Chef."
    assert language_of_part(german, "en") == "de"
    assert language_of_part("휴가가 며칠 있나요?", "en") == "ko"
    assert language_of_part("Ask your manager two weeks before the holiday begins.", "de") == "en"
    assert language_of_part("4,0 % | 12 | A-17", "de") == "de"
