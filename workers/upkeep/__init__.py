"""What becomes of posted answers: withdrawn when a reader may no longer read them."""
