"""Whether a sentence of a model follows from its quote: read `check.py` first."""
