"""What was before each change of access; faster decisions; and what administrators push.

All of it is for the syncer's role alone: names, addresses and paths are content.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

# -- what was before ---------------------------------------------------------------------------

PAST = """
ALTER TABLE epoch ADD COLUMN at timestamptz NOT NULL DEFAULT now();

-- A row of an access table as it was before a change; no `before`: the row was not there. The
-- first change after a moment tells what a row was at that moment.
CREATE TABLE past (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    epoch bigint NOT NULL,
    at timestamptz NOT NULL,
    relation text NOT NULL,
    key jsonb NOT NULL,
    before jsonb
);
CREATE INDEX past_key ON past (relation, key, id);
CREATE INDEX past_at ON past (at);
CREATE INDEX past_epoch ON past (epoch);

CREATE FUNCTION key_of(told jsonb, columns text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN (SELECT jsonb_agg(told -> name ORDER BY place)
        FROM unnest(columns) WITH ORDINALITY AS one (name, place));

-- As its owner: nobody who changes access can write, or leave out, what was before.
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO past (epoch, at, relation, key)
        SELECT epoch.value, epoch.at, TG_TABLE_NAME, key_of(to_jsonb(made), TG_ARGV)
        FROM new_rows AS made, epoch;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO past (epoch, at, relation, key, before)
        SELECT epoch.value, epoch.at, TG_TABLE_NAME, key_of(to_jsonb(gone), TG_ARGV), to_jsonb(gone)
        FROM old_rows AS gone, epoch;
    ELSE
        INSERT INTO past (epoch, at, relation, key, before)
        SELECT epoch.value, epoch.at, TG_TABLE_NAME, key_of(changed.told, TG_ARGV), changed.told
        FROM (SELECT to_jsonb(was) AS told FROM old_rows AS was
              EXCEPT SELECT to_jsonb(made) FROM new_rows AS made) AS changed, epoch;
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION remember() FROM PUBLIC;
"""

REMEMBERED = {
    "source": "id",
    "user_account": "id",
    "identity": "source_id, native_id",
    "user_group": "id",
    "membership": "member_id, group_id",
    "node": "id",
    "entry": "node_id, effect, gate, principal_id",
}
"""The tables that decide access, by their keys."""


def _remember(table: str, key: str) -> str:
    names = ", ".join(f"'{name.strip()}'" for name in key.split(","))
    tables = {
        "INSERT": "NEW TABLE AS new_rows",
        "DELETE": "OLD TABLE AS old_rows",
        "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    }
    return "\n".join(
        f"CREATE TRIGGER remember_{event.lower()} AFTER {event} ON {table} "
        f"REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION remember({names});"
        for event, rows in tables.items()
    )


# -- deciding, in time that does not grow with the company ---------------------------------------

DECIDING = """
-- Each step of a decision stays in an index.
DROP INDEX ix_policy_entry_principal_id;
CREATE INDEX ix_policy_entry_principal_id ON policy_entry (principal_id, effect, policy_id);
CREATE INDEX policy_entry_guard ON policy_entry (policy_id, effect, gate, principal_id)
    WHERE effect <> 'allow';
DROP INDEX ix_entry_principal_id;
CREATE INDEX ix_entry_principal_id ON entry (principal_id, effect, node_id);
CREATE INDEX entry_guard ON entry (node_id, effect, gate, principal_id) WHERE effect <> 'allow';
DROP INDEX ix_policy_node_node_id;
CREATE INDEX ix_policy_node_node_id ON policy_node (node_id, grants, policy_id);
DROP INDEX ix_membership_group_id;
CREATE INDEX ix_membership_group_id ON membership (group_id, member_id);
CREATE INDEX policy_unknown ON policy (id) WHERE NOT known;

-- Whether the node denies, gates, or is unknown: most do not, and need no second look.
ALTER TABLE policy_node ADD COLUMN guards boolean NOT NULL DEFAULT false;
UPDATE policy_node SET guards = true
WHERE node_id IN (SELECT node_id FROM entry WHERE effect <> 'allow'
                  UNION SELECT id FROM node WHERE acl_state <> 'ok');
CREATE INDEX policy_node_guard ON policy_node (policy_id, node_id) WHERE guards;

DROP VIEW policy_rule CASCADE;

-- The second wall, as 0001 says: the same rule from the audience's principals, in another form on
-- purpose. It reads neither `guards` nor anything that `policies/access.py` worked out.
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
           OR effect = 'deny' AND EXISTS (SELECT FROM asked WHERE id BETWEEN 1 AND 3)
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


# -- what administrators push ------------------------------------------------------------------

ADMINISTRATION = """
ALTER TABLE node ADD COLUMN gone_at timestamptz;
CREATE INDEX ix_node_gone_at ON node (gone_at) WHERE gone_at IS NOT NULL;

-- An account that a source told us of, linked to a user of ours or not.
CREATE TABLE account (
    source_id bigint NOT NULL REFERENCES source (id),
    native_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    email text,
    kind varchar(16) NOT NULL CHECK (kind IN ('member', 'guest', 'bot', 'stranger')),
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, native_id)
);

-- Every address that an account ever had: one that changed hands links nobody.
CREATE TABLE address (
    source_id bigint NOT NULL REFERENCES source (id),
    native_id text COLLATE "C" NOT NULL,
    email text COLLATE "C" NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (email, source_id, native_id)
);

INSERT INTO address (source_id, native_id, email)
SELECT source_id, native_id, email
FROM identity JOIN user_account ON user_account.id = identity.user_id
WHERE email <> '' ON CONFLICT DO NOTHING;

-- People are looked up by address, without regard to case: admin's list, links, SCIM's filters.
CREATE INDEX account_email ON account (lower(email COLLATE "C"));
CREATE INDEX address_email ON address (lower(email COLLATE "C"));
CREATE INDEX user_account_email ON user_account (lower(email COLLATE "C"));
CREATE INDEX audit_actor ON audit (actor, at);

-- What the identity provider said of a user or a group, as SCIM (RFC 7643) writes it.
CREATE TABLE provisioned (
    principal_id bigint PRIMARY KEY REFERENCES principal (id),
    kind varchar(16) NOT NULL CHECK (kind IN ('User', 'Group')),
    user_name text,
    external_id text COLLATE "C",
    resource jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    modified_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX provisioned_user_name ON provisioned (lower(user_name));
CREATE INDEX provisioned_external_id ON provisioned (external_id);

-- A word that links the account which says it to this user, once.
CREATE TABLE link_code (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    user_id bigint NOT NULL REFERENCES user_account (id),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE TABLE api_token (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    used_at timestamptz
);

CREATE TABLE sync_run (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    source_id bigint NOT NULL REFERENCES source (id),
    kind varchar(16) NOT NULL CHECK (kind IN ('complete', 'delta')),
    state varchar(16) NOT NULL DEFAULT 'staging'
        CHECK (state IN ('staging', 'waiting', 'applied', 'refused', 'dropped', 'undone')),
    actor text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    epoch bigint,
    difference jsonb NOT NULL DEFAULT '{}',
    left_out jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX ix_sync_run_source_id ON sync_run (source_id);

CREATE TABLE sync_page (
    run_id bigint NOT NULL REFERENCES sync_run (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    lines jsonb NOT NULL,
    PRIMARY KEY (run_id, number)
);
"""

GRANTS = """
GRANT SELECT ON past TO ken_syncer;
GRANT SELECT, INSERT, UPDATE, DELETE ON account, address TO ken_syncer, ken_indexer;
GRANT SELECT, INSERT, UPDATE, DELETE ON provisioned, link_code, api_token, sync_run, sync_page
    TO ken_syncer;

-- The column tells nothing but that nobody reads the node.
GRANT SELECT (gone_at) ON node TO ken_answerer;

-- Who was shown what: never a word of question or answer.
GRANT SELECT (id, surface, team_id, channel_id, asked_at) ON question TO ken_syncer;
GRANT SELECT ON answer TO ken_syncer;
CREATE POLICY audit ON question FOR SELECT TO ken_syncer USING (true);
CREATE POLICY audit ON answer FOR SELECT TO ken_syncer USING (true);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(PAST)
    for table, key in REMEMBERED.items():
        op.execute(_remember(table, key))
    op.execute(DECIDING)
    op.execute(ADMINISTRATION)
    op.execute(GRANTS)
