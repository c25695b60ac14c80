"""Doors for other programs, always as a person: a retrieval API and the Model Context Protocol."""
