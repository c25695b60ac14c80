"""File formats, each parsed into one document with headings and paragraphs."""
