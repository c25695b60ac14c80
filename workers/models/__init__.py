"""Language models and embedders: what they are asked, and what is used of their output."""
