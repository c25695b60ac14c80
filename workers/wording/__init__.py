"""Ken's own words in the reader's language: the texts' translations, plurals and dates."""
