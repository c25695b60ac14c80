"""Talk that is not a question, and questions that only begin like talk."""

import time

import pytest

from workers.answering.reply import HELP, NOTHING_FOUND
from workers.answering.talk import Talk, reply_to_request, reply_to_talk, talk_of

TALK = {
    Talk.GREETING: [
        "Helo Ken",
        "gm",
        "Grüß Gott",
        "hello, is anybody there",
        "hi",
        "hello",
        "Hello!",
        "hey Ken",
        "Guten Morgen",
        "Moin",
        "Hallo Ken",
        "servus",
        "bonjour",
        "hola",
        "Hiiii",
        "heyyy",
        "hello there",
        "good morning everyone",
        "hi :wave:",
        "¡Hola!",
        "Ciao a tutti",
        "こんにちは",
        "hello hello",
    ],
    Talk.HOW: [
        "how's life?",
        "how r u doing?",
        "Wie gehts dir heute?",
        "what are you doing?",
        "na wie gehts",
        "Hi Ken, how are you?",
        "wie geht es dir?",
        "how are you doing today?",
        "what's up?",
        "Hi! What's up",
        "good morning, how are you?",
    ],
    Talk.THANKS: [
        "Thank you so much, that really helped me!",
        "tyvm",
        "thnks",
        "Vielen lieben Dank!",
        "thanks for the quick reply",
        "Danke für die schnelle Antwort",
        "Great, that answers my question",
        "thanks for the hint with the form",
        "thanks!",
        "thank you so much",
        "thx :)",
        "okay, thanks",
        "danke",
        "Vielen Dank!",
        "danke dir",
        "merci beaucoup",
        "grazie mille",
        "gracias",
        "ok great, thank you",
        "perfect, thanks!",
        "makes sense, thanks",
        "got it, thanks a lot",
        "thanks ken!",
        "ty",
        "cheers mate",
        "thank you for your help",
        "thanks for the quick answer",
        "that helps, thanks",
    ],
    Talk.PRAISE: [
        "I love you",
        "good bot",
        "well done",
        "Great job!",
    ],
    Talk.JOKE: [
        "Tell me a joke about cats and Mondays",
        "Kennst du einen guten Witz?",
        "tell me a story",
        "Sing ein Lied",
        "tell me a joke",
        "Tell me a joke please",
        "can you tell me a joke?",
        "erzähl mir einen Witz",
        "make me laugh",
        "write me a poem",
        "sing a song",
    ],
    Talk.ACT: [
        "book me a day off",
        "Please book me a day off tomorrow",
        "can you book me a flight to Berlin?",
        "remind me tomorrow",
        "please cancel my vacation",
        "approve my request",
        "order me a laptop",
        "send an email to Bob please",
        "please send an email to Bob",
        "set a reminder for 5pm",
        "make me a coffee",
        "buche mir ein Hotel",
        "Kannst du mir ein Hotel buchen",
        "do my expense report",
        "schedule a meeting with Bob for me",
        "call me a taxi",
        "wake me up at 7",
    ],
    Talk.INSULT: [
        "Worst bot ever",
        "this is garbage",
        "Scheiße",
        "du nervst",
        "halt die Fresse",
        "wtf",
        "what a waste of time",
        "are you dumb or what?",
        "you're useless",
        "You are useless",
        "you are so stupid",
        "shut up",
        "idiot",
        "this is useless",
        "that was not helpful",
        "that's wrong",
        "du bist doof",
        "halt die Klappe",
        "you suck",
        "fuck you",
        "stupid bot",
    ],
    Talk.WHO: [
        "Bist du eine KI?",
        "wer bist du denn?",
        "who are you?",
        "wer bist du?",
        "are you a bot?",
        "What is your name?",
        "do you like me",
    ],
    Talk.HELP: [
        "what do you know about me?",
        "Was weißt du?",
        "what can you do?",
        "was kannst du?",
        "help",
        "???",
    ],
    Talk.INVITE: [
        "ich hab eine Frage",
        "mir ist langweilig",
        "can you help me?",
        "I have a question",
        "Hi, I have a question.",
        "hello, can you help me please",
    ],
    Talk.ACK: [
        "ok",
        "OK.",
        "cool",
        "lol",
        "haha",
        "nice",
        "got it",
        "I see",
        "alles klar",
        "no",
        "yes",
        "k",
    ],
    Talk.BYE: [
        "Tschüß!",
        "bye",
        "Goodbye!",
        "see you tomorrow",
        "Good night",
        "thank you, bye",
    ],
    Talk.WISH: [
        "Schönes Wochenende euch allen",
        "happy friday everyone",
        "happy birthday!",
        "have a nice weekend",
        "Schönes Wochenende!",
    ],
    Talk.SORRY: [
        "never mind",
        "sorry",
        "sorry, wrong channel",
        "no problem",
        "no thanks",
    ],
    Talk.TEST: [
        "test",
        "ping",
        "are you there?",
    ],
    Talk.WORDLESS: [
        ":wave:",
        "👍",
        "🎉🎉",
        "...",
        ":tada: :smile:",
    ],
    Talk.SURE: [
        "are you sure?",
    ],
    Talk.CHAT: [
        "you are not very smart",
        "du bist echt komisch",
        "it's monday again",
        "how is the weather today?",
        "Wie ist das Wetter?",
        "what is your favourite color?",
        "do you like pizza?",
        "I'm hungry",
        "what a day",
        "that was fast",
    ],
    Talk.UNREADABLE: ["File: plan.pdf", "> (a forwarded message)", "> File: a.png\nFile:"],
}
QUESTIONS = [
    "what is your favourite supplier for travel?",
    "it's about my payslip",
    "this is for interns",
    "thanks, parking in Berlin",
    "Thank you for that. How many days are it for interns?",
    "do you have parking?",
    "you are allowed to fly business, right?",
    "how is the weather allowance paid in winter?",
    "tell me the joke budget",
    "book a room: how?",
    "can you book flights in business class?",
    "Merry Christmas closing days",
    "Wie ist die Wetterregelung auf der Baustelle?",
    "please find the expense form",
    "I'm sick",
    "that is wrong: my salary is too low",
    "hi, how many days of vacation do I have?",
    "thanks! and in Berlin?",
    "vacation",
    "hello world policy",
    "who are our customers?",
    "can you help me with parking?",
    "who approves travel?",
    "good morning routine",
    "remind me who approves travel",
    "reset my password",
    "how do I book a day off?",
    "book a train",
    "can I book a day off on Friday?",
    "thanks, and for interns?",
    "is that ok?",
    "ok, and in Berlin?",
    "how are expenses paid?",
    "what can you tell me about parking",
    "What is your vacation policy?",
    "who are you reporting to",
    "help desk",
    "test environment",
    "what's up with the VPN",
    "thanksgiving",
    "Is Thanksgiving a holiday?",
    "send me the travel policy",
    "show me the org chart",
    "can you send me the handbook?",
    "tell me about parking",
    "what are you allowed to expense",
    "night shift allowance",
    "cheers fund",
    "can you cancel a booking after 24 hours?",
    "joke policy",
    "sorry, who approves travel?",
    "ok so how do I reset my password",
    "Danke, und wie viele Tage sind es?",
    "Hallo, wie viele Urlaubstage habe ich?",
    "good question: who pays parking",
    "how do I approve a request",
    "approve travel",
    "ken how many days",
    "hey ken who pays parking",
    "hello, is the office open tomorrow?",
    "please explain the travel policy",
    "who is Ken Miller?",
    "hi5 program",
    "are you allowed to smoke",
    "who made you-know-what",
    "how old are you when you can retire",
    "trash",
    "garbage",
    "the office dog",
    "days off",
    "Berlin",
    "no smoking policy",
    "yes or no: may I fly",
    "why",
    "what",
    "how",
    "please tell me the wifi password",
    "can you tell me my manager?",
    "remind me how many days I have",
    "what is a wrong answer",
    "I love Berlin, where is the office?",
    "and for interns?",
    "Is it free?",
    "Who are you going to call for IT issues?",
    "cancel a hotel booking",
    "call a customer",
    "create a ticket",
    "how can I get a coffee",
    "make a coffee machine request",
    "UPS",
    "feierabend",
    "hotel in Berlin",
    "good standing",
    "great place to work survey",
    "cool down period",
    "fine print",
    "right to work",
    "sure payroll",
    "nice pension",
    "is parking free? thanks!",
    "thanks in advance, who pays parking?",
    "Hi team, we need the VPN docs",
    "can you book a meeting room?",
    "how do you book a room",
    "> hello",
    "thanks\n> Who pays parking?",
    "What does this say?\nFile: plan.pdf",
]


@pytest.mark.parametrize(
    ("text", "talk"), [(text, talk) for talk, texts in TALK.items() for text in texts]
)
def test_talk_is_known_for_what_it_is(text: str, talk: Talk) -> None:
    assert talk_of(text) is talk
    assert reply_to_talk(text) not in (None, NOTHING_FOUND)


@pytest.mark.parametrize("text", QUESTIONS)
def test_when_in_doubt_it_is_a_question(text: str) -> None:
    assert reply_to_talk(text) is None


@pytest.mark.parametrize("greeting", ["hi", "Hello Ken", "thanks!", "ok", "Guten Morgen", "sorry"])
@pytest.mark.parametrize("question", QUESTIONS[:30])
def test_a_question_that_begins_with_talk_is_one(greeting: str, question: str) -> None:
    assert reply_to_talk(f"{greeting}, {question}") is None
    assert reply_to_talk(f"{greeting}\n{question}") is None


@pytest.mark.parametrize(
    "text",
    [
        "Reset my password",
        "Open a ticket",
        "create a jira ticket",
        "turn off the lights",
        "Send Bob an email",
        "Please tell Bob that I am sick",
        "Give me a raise",
        "Hi Ken, please fill in my timesheet",
        "please book a meeting room for tomorrow",
        "Translate this for me",
        "Trag mir Urlaub ein",
        "Schick Bob eine Mail",
        "Bitte buche einen Raum für morgen",
    ],
)
def test_what_may_be_a_request_is_looked_up_first(text: str) -> None:
    assert reply_to_talk(text) is None
    assert reply_to_request(text)


@pytest.mark.parametrize(
    "text",
    [
        "tell me about parking",
        "send me the travel policy",
        "give me the wifi password",
        "can you book flights in business class?",
        "how do I reset my password",
        "please find the expense form",
        "order process",
        "open positions",
        "fire drill",
        "change request",
        "vacation",
    ],
)
def test_what_ken_can_find_is_no_request(text: str) -> None:
    assert reply_to_request(text) is None


@pytest.mark.parametrize("text", ["", " ", "?", "help", "Hilfe!", "/help", "what can you do?"])
def test_whoever_does_not_know_what_to_ask_gets_the_help_text(text: str) -> None:
    assert reply_to_talk(text) == HELP


def test_every_kind_has_a_short_sentence_of_its_own() -> None:
    replies = [reply_to_talk(texts[0]) or "" for talk, texts in TALK.items() if talk != Talk.HELP]
    assert len(set(replies)) == len(replies) == len(Talk) - 1
    assert max(map(len, replies)) < 160


@pytest.mark.parametrize(
    "piece", ["hi ", "please ", "so ", "a", "!", ":", "'", "> ", "\u00a0", "ok,"]
)
def test_text_made_to_be_slow_takes_no_longer(piece: str) -> None:
    """Of a longer text nothing is looked at; of one at the limit, each word a few times."""
    began = time.process_time()
    for size in (240, 40_000):
        talk_of((piece * size)[:size])
    assert time.process_time() - began < 1
