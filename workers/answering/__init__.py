"""From a question to an answer that each of its readers may read. Read `answer.py` first."""
