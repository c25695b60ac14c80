"""One person at a time: their link, preferences, feedback and home tab."""
