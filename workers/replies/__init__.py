"""How a reply looks, and how it is posted once, found again, changed and deleted."""
