"""Running it: health, the facts behind metrics, and what a production deployment needs."""
