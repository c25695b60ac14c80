"""What a worker needs to keep the codes of all chunks as they are: each change, and the codes.

A code is one bit for each number of a vector. They are worked out when they are read: no row of a
vector is written, and nothing is kept twice (decision 45).
"""

from alembic import op

revision = "0015"
down_revision = "0014"

CHANGES = """
CREATE TABLE document_change (document_id bigint PRIMARY KEY, epoch bigint NOT NULL);
CREATE INDEX ix_document_change_epoch ON document_change (epoch);
GRANT SELECT ON document_change TO ken_answerer;

-- Every change of a text or of a label takes an epoch first (policies/change.py).
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO document_change (document_id, epoch)
    SELECT changed.id, epoch.value FROM changed, epoch ORDER BY changed.id
    ON CONFLICT (document_id) DO UPDATE SET epoch = excluded.epoch;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION note_change() FROM PUBLIC;
CREATE TRIGGER note_insert AFTER INSERT ON document
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_change();
CREATE TRIGGER note_update AFTER UPDATE ON document
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_change();
CREATE TRIGGER note_delete AFTER DELETE ON document
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_change();
"""

# The owner reads content only where the answerer calls a function of the owner's: this one. It
# gives away ids, whether a text is English, and one bit for each number of a vector.
CODES = """
CREATE FUNCTION codes_of(model text, documents bigint[])
RETURNS TABLE (
    chunk_id bigint, document_id bigint, policy_id bigint, is_foreign boolean, code bit varying)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10000
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    its_id bigint := (SELECT id FROM embedding_model WHERE name = model);
BEGIN
    IF documents IS NULL THEN  -- a statement of its own: the planner reads whole tables for it
        RETURN QUERY
            SELECT embedding.chunk_id, document.id, document.policy_id,
                   chunk.language NOT IN ('', 'en'), binary_quantize(vector)::bit varying
            FROM embedding
            JOIN document ON document.id = embedding.document_id
            JOIN chunk ON chunk.id = embedding.chunk_id
            WHERE model_id = its_id;
    ELSE
        RETURN QUERY
            SELECT embedding.chunk_id, document.id, document.policy_id,
                   chunk.language NOT IN ('', 'en'), binary_quantize(vector)::bit varying
            FROM embedding
            JOIN document ON document.id = embedding.document_id
            JOIN chunk ON chunk.id = embedding.chunk_id
            WHERE model_id = its_id AND embedding.document_id = ANY (documents);
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION codes_of(text, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION codes_of(text, bigint[]) TO ken_answerer;

CREATE POLICY codes ON document FOR SELECT TO CURRENT_USER
    USING (session_user = 'ken_answerer');
CREATE POLICY codes ON chunk FOR SELECT TO CURRENT_USER
    USING (session_user = 'ken_answerer');
CREATE POLICY codes ON embedding FOR SELECT TO CURRENT_USER
    USING (session_user = 'ken_answerer');
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (CHANGES, CODES):
        op.execute(part)
