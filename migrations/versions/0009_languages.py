"""Texts in other languages than English: their words, and vectors by a second model.

A chunk of an earlier version has no language, and counts as English: its words stay as they were
until the next load. The column of its words is written again: about a minute for 100,000 chunks.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

WORDS = """
-- The words of a text as they are stored and searched: as that language inflects them. Where its
-- stemmer keeps accents they are taken off first, because people leave them out.
CREATE FUNCTION words_of(language text, content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE language
    WHEN '' THEN to_tsvector('pg_catalog.english', content)
    WHEN 'en' THEN to_tsvector('pg_catalog.english', content)
    WHEN 'de' THEN to_tsvector('pg_catalog.german', content)
    WHEN 'es' THEN to_tsvector('pg_catalog.spanish', content)
    WHEN 'nl' THEN to_tsvector('pg_catalog.dutch', content)
    WHEN 'ru' THEN to_tsvector('pg_catalog.russian', content)
    WHEN 'sv' THEN to_tsvector('pg_catalog.swedish', content)
    WHEN 'fr' THEN to_tsvector('pg_catalog.french', translate(lower(content),
        'àâäáãéèêëîïìíôöòóõùûüúÿçñ', 'aaaaaeeeeiiiiooooouuuuycn'))
    WHEN 'it' THEN to_tsvector('pg_catalog.italian', translate(lower(content),
        'àâäáãéèêëîïìíôöòóõùûüúÿçñ', 'aaaaaeeeeiiiiooooouuuuycn'))
    WHEN 'pt' THEN to_tsvector('pg_catalog.portuguese', translate(lower(content),
        'àâäáãéèêëîïìíôöòóõùûüúÿçñ', 'aaaaaeeeeiiiiooooouuuuycn'))
    ELSE to_tsvector('pg_catalog.simple', content)
END;

ALTER TABLE chunk
    DROP COLUMN tsv,
    DROP COLUMN words,
    ADD COLUMN language text NOT NULL DEFAULT '';
ALTER TABLE chunk
    ADD COLUMN tsv tsvector NOT NULL GENERATED ALWAYS AS (
        -- Parts of "KEP-4876" are words of their own; so they are in a question.
        setweight(words_of(language, translate(title || ' ' || heading, '-_/', '   ')), 'A')
        || words_of(language, translate(text, '-_/', '   '))
    ) STORED,
    ADD COLUMN words bigint NOT NULL GENERATED ALWAYS AS (
        length(words_of(language, translate(text, '-_/', '   ')))
    ) STORED;
CREATE INDEX chunk_tsv ON chunk USING gin (tsv);
CREATE INDEX chunk_foreign ON chunk (language) WHERE language NOT IN ('', 'en');

-- Vectors of another model have another dimension.
ALTER TABLE embedding ALTER COLUMN vector TYPE halfvec;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(WORDS)
