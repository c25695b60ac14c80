"""Replies to talk, beside the first of each kind in `talk.py`: short, and few.

Which one is used depends on the question's number alone, so that a repeated attempt says the same.
"""

from workers.answering.talk_words import Talk

VARIANTS: dict[Talk, tuple[str, ...]] = {
    Talk.PRIVATE: (
        "In a direct message or with /ken, only you see my answer; in a channel, everyone there "
        "does. /ken forget clears your questions.",
    ),
    Talk.INSULT: (
        "I am sorry that this did not help. What were you looking for? Other words may find it.",
        "Sorry about that. Press “Bad answer” below an answer and tell us what was wrong with it, "
        "or ask me again in other words.",
    ),
    Talk.JOKE: (
        "I leave the jokes to your colleagues. Ask me about your company's documents instead.",
    ),
    Talk.HOW: ("All is well here, thank you. What can I look up for you?",),
    Talk.PRAISE: ("Thank you! I am glad that it helped.", "That is good to hear, thank you."),
    Talk.BYE: ("See you! Write whenever you have a question.",),
    Talk.THANKS: ("With pleasure.", "Glad to help."),
    Talk.SORRY: ("Never mind.",),
    Talk.GREETING: ("Hello! What can I look up for you?", "Hi! What is your question?"),
}
