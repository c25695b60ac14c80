"""Row-level security works its rule out once for a snapshot, and looks each row up in the result.

The rule, `readable_policies()`, is not touched. What it finds is kept as a setting until the
transaction ends, under a seal that only the owner can make (decision 44).
"""

from alembic import op

revision = "0012"
down_revision = "0011"

SEAL = """
CREATE TABLE seal (single boolean PRIMARY KEY DEFAULT true CHECK (single), secret bytea NOT NULL);
INSERT INTO seal (secret)
SELECT sha256(convert_to(string_agg(gen_random_uuid()::text, ''), 'UTF8'))
FROM generate_series(1, 8);

-- Hashed twice, so that nobody can lengthen what was sealed. A zero ends the words: no text has
-- one.
CREATE FUNCTION sealed(about text, bits bytea) RETURNS text
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT encode(sha256(secret || sha256(
        secret || convert_to(about, 'UTF8') || '\\x00'::bytea || bits)), 'hex')
    FROM seal
$$;
REVOKE EXECUTE ON FUNCTION sealed(text, bytea) FROM PUBLIC;
"""

# The rule reads no setting but `ken.audience`, and no table that the answerer writes. What it finds
# depends on the audience, on the snapshot and on the time: these three are sealed with it.
READABLE = """
-- The policies of `readable_policies()` as bits: bit n of byte n / 8 is the policy n. There is one
-- for every policy. As its owner, for the seal.
CREATE FUNCTION readable_set() RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10
SET search_path = public, pg_temp
AS $$
DECLARE
    kept text := current_setting('ken.readable', true);
    about text := jsonb_build_array(
        current_setting('ken.audience', true), pg_current_snapshot(), extract(epoch FROM now()));
    bits bytea;
BEGIN
    IF kept <> '' THEN
        bits := decode(substr(kept, 65), 'hex');
        IF substr(kept, 1, 64) = sealed(about, bits) THEN
            RETURN bits;
        END IF;
    END IF;
    SELECT string_agg(int8send(coalesce(word.bits, 0)), ''::bytea ORDER BY place) INTO bits
    FROM generate_series(0, (SELECT coalesce(max(id), 0) / 64 FROM policy)) AS place
    LEFT JOIN (
        SELECT id / 64 AS place, bit_or(1::bigint << (56 - (id & 56) + (id & 7))::int) AS bits
        FROM readable_policies() AS id GROUP BY id / 64
    ) AS word USING (place);
    PERFORM set_config('ken.readable', sealed(about, bits) || encode(bits, 'hex'), true);
    RETURN bits;
END
$$;
REVOKE EXECUTE ON FUNCTION readable_set() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION readable_set() TO ken_answerer;
"""

# In a sub-select, so that it is called once a statement. A chunk's document is looked up by its id:
# where text is read there are few chunks, and many documents.
ROW_SECURITY = """
ALTER POLICY readable ON document USING (get_bit((SELECT readable_set()), policy_id) <> 0);
ALTER POLICY readable ON chunk
    USING ((SELECT true FROM document WHERE document.id = chunk.document_id));
ALTER POLICY readable ON embedding
    USING ((SELECT true FROM document WHERE document.id = embedding.document_id));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (SEAL, READABLE, ROW_SECURITY):
        op.execute(part)
