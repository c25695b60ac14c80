"""Accounts are principals: what names one outlives its link, and links decide when it is asked.

Decision 27. Before, the members and entries that a source named by account were stored as the
user whom the account was linked to then; one that nobody was linked to was lost.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

ACCOUNTS = """
ALTER TABLE principal DROP CONSTRAINT principal_kind_check;
ALTER TABLE principal ADD CONSTRAINT principal_kind_check
    CHECK (kind IN ('user', 'group', 'class', 'account')) NOT VALID;

-- An account that a membership or an entry names, linked or not.
CREATE TABLE source_account (
    id bigint PRIMARY KEY REFERENCES principal (id),
    source_id bigint NOT NULL REFERENCES source (id),
    native_id text COLLATE "C" NOT NULL,
    external boolean NOT NULL DEFAULT false,
    last_user_id bigint REFERENCES user_account (id),
    UNIQUE (source_id, native_id)
);
CREATE INDEX ix_source_account_last_user_id ON source_account (last_user_id)
    WHERE last_user_id IS NOT NULL;

-- A link makes its user a member of the account.
ALTER TABLE membership DROP CONSTRAINT membership_group_id_fkey;
ALTER TABLE membership ADD CONSTRAINT membership_group_id_fkey
    FOREIGN KEY (group_id) REFERENCES principal (id) NOT VALID;

GRANT SELECT ON source_account TO ken_answerer;
GRANT SELECT, INSERT, UPDATE, DELETE ON source_account TO ken_syncer, ken_indexer;
"""

# What is remembered of each access table (0002).
HISTORY = """
CREATE TRIGGER remember_insert AFTER INSERT ON source_account
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION remember('id');
CREATE TRIGGER remember_delete AFTER DELETE ON source_account
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION remember('id');
CREATE TRIGGER remember_update AFTER UPDATE ON source_account
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION remember('id');
"""

# The one place where a link becomes a membership: no writer, of whatever version, can forget it.
LINKS = """
CREATE FUNCTION follow_link() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM membership USING source_account AS account
        WHERE account.source_id = OLD.source_id AND account.native_id = OLD.native_id
          AND membership.group_id = account.id AND membership.member_id = OLD.user_id;
        UPDATE source_account SET last_user_id = OLD.user_id
        WHERE source_id = OLD.source_id AND native_id = OLD.native_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO membership (member_id, group_id)
        SELECT NEW.user_id, id FROM source_account
        WHERE source_id = NEW.source_id AND native_id = NEW.native_id
        ON CONFLICT DO NOTHING;
        UPDATE source_account SET last_user_id = NULL, external = false
        WHERE source_id = NEW.source_id AND native_id = NEW.native_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER follow_link AFTER INSERT OR DELETE OR UPDATE OF user_id ON identity
    FOR EACH ROW EXECUTE FUNCTION follow_link();

CREATE FUNCTION find_link() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO membership (member_id, group_id)
    SELECT identity.user_id, made.id
    FROM new_rows AS made JOIN identity USING (source_id, native_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER find_link AFTER INSERT ON source_account
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION find_link();
"""

# What came by a link is the account's from now on: of several in one source, of each of them,
# until its next complete sync. The members of the identity provider's groups are users.
ROWS = """
UPDATE epoch SET value = value + 1, at = clock_timestamp() WHERE EXISTS (SELECT FROM identity);

CREATE TEMPORARY TABLE named ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('principal', 'id')) AS id,
       identity.source_id, identity.native_id, identity.user_id
FROM identity JOIN source ON source.id = identity.source_id
WHERE source.name <> 'scim' AND (
    EXISTS (SELECT FROM membership JOIN user_group ON user_group.id = membership.group_id
            WHERE membership.member_id = identity.user_id
              AND user_group.source_id = identity.source_id)
    OR EXISTS (SELECT FROM entry JOIN node ON node.id = entry.node_id
               WHERE entry.principal_id = identity.user_id
                 AND node.source_id = identity.source_id)
    OR EXISTS (SELECT FROM policy_entry JOIN policy ON policy.id = policy_entry.policy_id
               WHERE policy_entry.principal_id = identity.user_id
                 AND policy.source_id = identity.source_id));

INSERT INTO principal (id, kind) SELECT id, 'account' FROM named;
INSERT INTO source_account (id, source_id, native_id) SELECT id, source_id, native_id FROM named;

INSERT INTO membership (member_id, group_id)
SELECT named.id, user_group.id
FROM membership JOIN user_group ON user_group.id = membership.group_id
JOIN named ON named.user_id = membership.member_id AND named.source_id = user_group.source_id;
DELETE FROM membership USING user_group, named
WHERE user_group.id = membership.group_id AND named.user_id = membership.member_id
  AND named.source_id = user_group.source_id;

INSERT INTO entry (node_id, effect, gate, principal_id)
SELECT entry.node_id, entry.effect, entry.gate, named.id
FROM entry JOIN node ON node.id = entry.node_id
JOIN named ON named.user_id = entry.principal_id AND named.source_id = node.source_id;
DELETE FROM entry USING node, named
WHERE node.id = entry.node_id AND named.user_id = entry.principal_id
  AND named.source_id = node.source_id;

CREATE TEMPORARY TABLE relabelled ON COMMIT DROP AS
SELECT DISTINCT policy.id
FROM policy_entry JOIN policy ON policy.id = policy_entry.policy_id
JOIN named ON named.user_id = policy_entry.principal_id AND named.source_id = policy.source_id;
INSERT INTO policy_entry (policy_id, effect, gate, principal_id)
SELECT policy.id, effect, gate, named.id
FROM policy_entry JOIN policy ON policy.id = policy_entry.policy_id
JOIN named ON named.user_id = policy_entry.principal_id AND named.source_id = policy.source_id;
DELETE FROM policy_entry USING policy, named
WHERE policy.id = policy_entry.policy_id AND named.user_id = policy_entry.principal_id
  AND named.source_id = policy.source_id;
-- As policies/labels.py writes it: no document has another policy.
UPDATE policy SET own = encode(sha256(convert_to(concat_ws(' ', inherit,
        CASE WHEN known THEN 'ok' ELSE 'unknown' END,
        (SELECT string_agg(concat_ws(':', effect, gate, principal_id), ','
                           ORDER BY effect, gate, principal_id)
         FROM policy_entry WHERE policy_entry.policy_id = policy.id)), 'UTF8')), 'hex')
WHERE id IN (SELECT id FROM relabelled);
"""

# The second wall, as 0002 wrote it, and the rule of accounts that nobody is linked to: it asks
# `identity` where the query asks for the membership that a link is.
ROW_SECURITY = """
CREATE OR REPLACE FUNCTION readable_policies() RETURNS SETOF bigint
LANGUAGE sql STABLE ROWS 500
SET search_path = public, pg_temp
AS $$
    WITH RECURSIVE
    asked AS MATERIALIZED (
        SELECT DISTINCT unnest(nullif(current_setting('ken.audience', true), '')::bigint[]) AS id
    ),
    listener AS MATERIALIZED (
        SELECT id, class_id FROM user_account
        WHERE status = 'active' AND id = ANY (ARRAY(SELECT id FROM asked))
      UNION ALL
        SELECT id, id FROM asked WHERE id <= 3
    ),
    -- Where one of them is linked to no account: a deny of one that nobody is linked to may be
    -- meant for them. Sources without accounts as principals have no such denies.
    doubtful AS MATERIALIZED (
        SELECT source.id FROM source
        WHERE EXISTS (SELECT FROM source_account WHERE source_account.source_id = source.id)
          AND (EXISTS (SELECT FROM asked WHERE id <= 1)        -- a stranger, or the internet
            OR EXISTS (
                SELECT FROM listener WHERE id > 3 AND NOT EXISTS (
                    SELECT FROM identity
                    WHERE identity.user_id = listener.id AND identity.source_id = source.id))
            OR EXISTS (                                        -- or somebody of a class
                SELECT FROM user_account AS person JOIN class_within USING (class_id)
                WHERE status = 'active' AND within_id IN (SELECT id FROM asked WHERE id <= 3)
                  AND NOT EXISTS (
                    SELECT FROM identity
                    WHERE identity.user_id = person.id AND identity.source_id = source.id)))
    ),
    -- Whatever all may read, the last of them may: an allow names something that they are.
    last_edge AS (
        SELECT max(id) AS principal_id FROM listener
      UNION
        SELECT membership.group_id
        FROM last_edge JOIN membership ON membership.member_id = last_edge.principal_id
    ),
    last_is AS MATERIALIZED (
        SELECT principal_id FROM last_edge
      UNION
        SELECT within_id FROM listener JOIN class_within USING (class_id)
        WHERE id = (SELECT max(id) FROM listener)
    ),
    possible AS MATERIALIZED (
        SELECT policy_id FROM policy_entry
        WHERE effect = 'allow' AND principal_id = ANY (ARRAY(SELECT principal_id FROM last_is))
      UNION
        SELECT policy_id FROM policy_node
        WHERE grants AND node_id = ANY (ARRAY(
            SELECT node_id FROM entry
            WHERE effect = 'allow'
              AND principal_id = ANY (ARRAY(SELECT principal_id FROM last_is))))
    ),
    on_chain AS MATERIALIZED (
        SELECT policy_id, node_id, grants FROM policy_node
        WHERE policy_id = ANY (ARRAY(SELECT policy_id FROM possible))
    ),
    above AS MATERIALIZED (                    -- what stands on the folders above them
        SELECT node_id, effect, gate, principal_id FROM entry
        WHERE node_id = ANY (ARRAY(SELECT DISTINCT node_id FROM on_chain))
    ),
    own AS MATERIALIZED (
        SELECT policy_id, effect, gate, principal_id FROM policy_entry
        WHERE policy_id = ANY (ARRAY(SELECT policy_id FROM possible))
    ),
    -- Who of them is what: the last one as known, the others found from the principals downward.
    root AS (
        SELECT principal_id, effect FROM above UNION SELECT principal_id, effect FROM own
    ),
    reach AS (
        SELECT principal_id AS root_id, principal_id FROM root
        WHERE (SELECT count(*) FROM asked) > 1
           OR effect = 'deny' AND (
                EXISTS (SELECT FROM asked WHERE id BETWEEN 1 AND 3)
                OR EXISTS (SELECT FROM doubtful)
                OR EXISTS (
                    SELECT FROM source_account WHERE last_user_id IN (SELECT id FROM asked)))
      UNION
        SELECT reach.root_id, member.member_id
        FROM reach CROSS JOIN LATERAL (
            SELECT member_id FROM membership WHERE group_id = reach.principal_id OFFSET 0
        ) AS member
    ),
    is_one AS MATERIALIZED (
        SELECT root_id AS principal_id, listener.id
        FROM reach JOIN listener ON listener.id = reach.principal_id
      UNION
        SELECT within_id, id FROM listener JOIN class_within USING (class_id)
      UNION
        SELECT principal_id, (SELECT max(id) FROM listener) FROM last_is
    ),
    everybodys AS MATERIALIZED (
        SELECT principal_id FROM is_one
        GROUP BY principal_id HAVING count(*) = (SELECT count(*) FROM asked)
    ),
    denied AS MATERIALIZED (
        SELECT principal_id FROM is_one
      UNION                                    -- a class is everybody in it, and classes overlap
        SELECT reach.root_id
        FROM reach JOIN user_account ON user_account.id = reach.principal_id
        JOIN class_within USING (class_id)
        WHERE user_account.status = 'active'
          AND within_id IN (SELECT id FROM asked WHERE id BETWEEN 1 AND 3)
      UNION                                    -- an account of nobody's may be theirs
        SELECT reach.root_id
        FROM reach JOIN source_account AS account ON account.id = reach.principal_id
        WHERE NOT account.external
          AND NOT EXISTS (
              SELECT FROM identity
              WHERE identity.source_id = account.source_id
                AND identity.native_id = account.native_id)
          AND (account.source_id IN (SELECT id FROM doubtful)
            OR account.last_user_id IN (SELECT id FROM listener)
            OR account.last_user_id IN (
                SELECT user_account.id FROM user_account JOIN class_within USING (class_id)
                WHERE status = 'active' AND within_id IN (SELECT id FROM asked WHERE id <= 3)))
      UNION
        SELECT id FROM principal
        WHERE kind = 'class' AND EXISTS (SELECT FROM asked WHERE id BETWEEN 1 AND 3)
    ),
    open_gate AS (                             -- an OR-list that everybody meets
        SELECT node_id, gate FROM above
        WHERE effect = 'gate' AND principal_id IN (SELECT principal_id FROM everybodys)
      UNION
        SELECT node_id, gate FROM above JOIN is_one USING (principal_id)
        WHERE effect = 'gate'
        GROUP BY node_id, gate HAVING count(DISTINCT id) = (SELECT count(*) FROM asked)
    ),
    closed_node AS MATERIALIZED (
        SELECT node_id FROM above WHERE effect = 'deny'
           AND principal_id IN (SELECT principal_id FROM denied)
      UNION
        SELECT node_id FROM above WHERE effect = 'gate'
           AND (node_id, gate) NOT IN (SELECT node_id, gate FROM open_gate)
      UNION
        SELECT id FROM node WHERE acl_state <> 'ok'
           AND id = ANY (ARRAY(SELECT DISTINCT node_id FROM on_chain))
    ),
    open_own_gate AS (
        SELECT policy_id, gate FROM own
        WHERE effect = 'gate' AND principal_id IN (SELECT principal_id FROM everybodys)
      UNION
        SELECT policy_id, gate FROM own JOIN is_one USING (principal_id)
        WHERE effect = 'gate'
        GROUP BY policy_id, gate HAVING count(DISTINCT id) = (SELECT count(*) FROM asked)
    ),
    closed AS MATERIALIZED (
        SELECT policy_id FROM on_chain WHERE node_id IN (SELECT node_id FROM closed_node)
      UNION
        SELECT policy_id FROM own WHERE effect = 'deny'
           AND principal_id IN (SELECT principal_id FROM denied)
      UNION
        SELECT policy_id FROM own WHERE effect = 'gate'
           AND (policy_id, gate) NOT IN (SELECT policy_id, gate FROM open_own_gate)
    ),
    allow AS MATERIALIZED (
        SELECT policy_id, principal_id FROM own WHERE effect = 'allow'
      UNION ALL
        SELECT policy_id, principal_id FROM on_chain JOIN above USING (node_id)
        WHERE effect = 'allow' AND grants
    ),
    simple AS MATERIALIZED (
        SELECT DISTINCT policy_id FROM allow
        WHERE principal_id IN (SELECT principal_id FROM everybodys)
    ),
    granted AS (
        SELECT policy_id FROM simple
      UNION
        SELECT policy_id FROM allow JOIN is_one USING (principal_id)
        WHERE policy_id NOT IN (SELECT policy_id FROM simple)
        GROUP BY policy_id HAVING count(DISTINCT id) = (SELECT count(*) FROM asked)
    )
    SELECT policy.id FROM policy JOIN source ON source.id = policy.source_id
    WHERE policy.known AND NOT source.paused
      AND (source.max_staleness IS NULL OR source.synced_at >= now() - source.max_staleness)
      AND policy.id IN (SELECT policy_id FROM granted)
      AND policy.id NOT IN (SELECT policy_id FROM closed)
$$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (ACCOUNTS, HISTORY, LINKS, ROWS, ROW_SECURITY):
        op.execute(part)
