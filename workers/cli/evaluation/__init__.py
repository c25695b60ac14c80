"""`ken eval`: asks a question set and says how good the answers are. Read `run.py` first."""
