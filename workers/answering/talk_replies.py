"""Replies to talk, beside the first of each kind in `talk.py`: short, and few.

Which one is used depends on the question's number alone, so that a repeated attempt says the same.
"""

from workers.answering.talk_words import Talk
from workers.wording.mark import N_

VARIANTS: dict[Talk, tuple[str, ...]] = {
    Talk.PRIVATE: (
        N_(
            "In a direct message or with /ken, only you see my answer; in a channel, everyone "
            "there does. /ken forget clears your questions."
        ),
    ),
    Talk.INSULT: (
        N_(
            "I am sorry that this did not help. What were you looking for? Other words may find it."
        ),
        N_(
            "Sorry about that. Press “Bad answer” below an answer and tell us what was wrong with "
            "it, or ask me again in other words."
        ),
    ),
    Talk.JOKE: (
        N_("I leave the jokes to your colleagues. Ask me about your company's documents instead."),
    ),
    Talk.HOW: (N_("All is well here, thank you. What can I look up for you?"),),
    Talk.PRAISE: (
        N_("Thank you! I am glad that it helped."),
        N_("That is good to hear, thank you."),
    ),
    Talk.BYE: (N_("See you! Write whenever you have a question."),),
    Talk.THANKS: (N_("With pleasure."), N_("Glad to help.")),
    Talk.SORRY: (N_("Never mind."),),
    Talk.GREETING: (
        N_("Hello! What can I look up for you?"),
        N_("Hi! What is your question?"),
    ),
}
