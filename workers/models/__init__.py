"""Language models and embedders: what they are asked, and what is taken from their output."""
