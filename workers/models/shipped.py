"""The two embedders that come with Ken, for what is loaded, pushed or crawled."""

from workers.models.base import Embedder
from workers.models.embedder import MiniLM
from workers.models.multilingual import Multilingual


def shipped_embedders() -> tuple[Embedder, Embedder]:
    """Load the English embedder and the multilingual one."""
    english = MiniLM.load(threads=1)  # one thread for each text is faster than two
    return english, Multilingual.load()
