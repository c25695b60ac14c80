"""What `mutants.py` takes out: each protection as it is shipped, and what stands in its place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    where: str
    """`query`, `row security`, `schema`, `answer`, or a module's name."""
    protection: str
    """As it is shipped; for the schema: how to put it back."""
    instead: str


_QUERY = {
    "suspended people read on": (
        "WHERE user_account.status = 'active'\n"
        "           OR (user_account.id IS NULL AND asked.id <= 3)",
        "WHERE user_account.id IS NOT NULL OR asked.id <= 3",
    ),
    "a reader who may not read is left out of the audience": (
        "(SELECT count(*) FROM subject) = cardinality(:subjects)", "true",
    ),
    "an allow for one of the audience is enough": (
        "HAVING bit_or(bits) = (SELECT bits FROM every)", "HAVING bit_or(bits) <> 0",
    ),
    "everybody is in every class": (
        "SELECT bit, within_id FROM first JOIN class_within USING (class_id)",
        "SELECT bit, within_id FROM first CROSS JOIN class_within",
    ),
    "allows above a break reach the document": (
        "WHERE grants AND node_id = ANY (ARRAY(SELECT node_id FROM granting))",
        "WHERE node_id = ANY (ARRAY(SELECT node_id FROM granting))",
    ),
    "folders that restrict are not looked for": (
        "WHERE guards AND policy_id", "WHERE false AND policy_id",
    ),
    "a document's own restrictions are not looked at": (
        "SELECT policy_id, 0 AS node_id, effect, gate, principal_id FROM policy_entry\n"
        "        WHERE effect <> 'allow'",
        "SELECT policy_id, 0 AS node_id, effect, gate, principal_id FROM policy_entry\n"
        "        WHERE false",
    ),
    "a folder's restrictions are not looked at": (
        "SELECT 0, node_id, effect, gate, principal_id FROM entry\n        WHERE effect <> 'allow'",
        "SELECT 0, node_id, effect, gate, principal_id FROM entry\n        WHERE false",
    ),
    "denies are dropped": ("WHERE effect = 'deny' AND (\n", "WHERE false AND (\n"),
    "a deny of one of a small audience is dropped": (
        "principal_id IN (SELECT principal_id FROM holds)\n            OR", "false\n            OR",
    ),
    "a deny of one in a large audience is dropped": (
        "OR principal_id IN (SELECT principal_id FROM rest_holds)", "",
    ),
    "a deny of somebody in a class does not bar the class": (
        "OR principal_id IN (               -- a denied person",
        "OR false AND principal_id IN (     -- a denied person",
    ),
    "a deny of a class does not bar the others": (
        "OR principal_id <= 3 AND EXISTS", "OR false AND EXISTS",
    ),
    "gates are dropped": (
        "HAVING coalesce(bit_or(bits), 0) <> (SELECT bits FROM every)", "HAVING false",
    ),
    "a gate is met by one of the audience": (
        "HAVING coalesce(bit_or(bits), 0) <> (SELECT bits FROM every)",
        "HAVING coalesce(bit_or(bits), 0) = 0",
    ),
    "or for and: one gate of several is enough": (
        "WHERE effect = 'gate' GROUP BY policy_id, node_id, gate\n        HAVING coalesce",
        "WHERE effect = 'gate' GROUP BY policy_id, node_id\n        HAVING coalesce",
    ),
    "a gate need not be met by the rest of a large audience": (
        "HAVING count(whole.principal_id) = 0\n", "HAVING false\n",
    ),
    "a gate that some of the rest meet is met": (
        "AND count(DISTINCT subject_id) < (SELECT count(*) FROM rest)",
        "AND count(DISTINCT subject_id) = 0",
    ),
    "an unknown folder is taken for a known one": (
        "WHERE acl_state <> 'ok' AND", "WHERE false AND",
    ),
    "an unknown document is taken for a known one": (
        "FROM policy WHERE NOT known", "FROM policy WHERE false",
    ),
    "a paused source is used": ("WHERE paused OR max_staleness", "WHERE max_staleness"),
    "a stale source is used": ("OR max_staleness IS NOT NULL", "OR false"),
    "a source that was never synced is used": ("(synced_at IS NULL OR", "(false OR"),
    "the rest of a large audience need no allow": (
        "GROUP BY policy_id HAVING count(DISTINCT subject_id) < (SELECT count(*) FROM rest)",
        "GROUP BY policy_id HAVING false",
    ),
    "an allow for one of the rest is enough": (
        "GROUP BY policy_id HAVING count(DISTINCT subject_id) < (SELECT count(*) FROM rest)",
        "GROUP BY policy_id HAVING count(DISTINCT subject_id) = 0",
    ),
    "a class that one of the rest has is taken for all": (
        "SELECT min(class_id) FROM rest", "SELECT max(class_id) FROM rest",
    ),
    "whom a deny reaches is not followed downward": (
        "WHERE group_id = below.principal_id", "WHERE false",
    ),
    "a folder's verdict is not applied": ("WHERE node_id <> 0)", "WHERE node_id < 0)"),
    "a document's verdict is not applied": (
        "AND policy_id NOT IN (SELECT policy_id FROM barred)", "",
    ),
    "what some of the rest act as is taken for all": (
        "HAVING count(*) = (SELECT count(*) FROM rest)", "HAVING count(*) > 0",
    ),
    "only the first of a large audience are asked": (
        "WHERE id > (SELECT max(id) FROM first)", "WHERE false",
    ),
    "a deny of an account of nobody's is dropped": (
        "SELECT root_id FROM nobodys JOIN without_link USING (source_id)",
        "SELECT root_id FROM nobodys JOIN without_link USING (source_id) WHERE false",
    ),
    "what a deny reaches is looked for for classes alone": (
        " OR EXISTS (SELECT FROM doubtful))", ")",
    ),
    "somebody without a link there is taken for linked": (
        "SELECT FROM subject WHERE id > 3 AND NOT", "SELECT FROM subject WHERE id < 0 AND NOT",
    ),
    "a link anywhere is taken for one there": (
        "WHERE user_id = subject.id AND identity.source_id = theirs.source_id",
        "WHERE user_id = subject.id",
    ),
    "a stranger is behind no account of nobody's": (
        "WHERE EXISTS (SELECT FROM subject WHERE id <= 1)", "WHERE false",
    ),
    "nobody of a class is behind an account of nobody's": (
        "WHERE status = 'active' AND NOT EXISTS (", "WHERE false AND NOT EXISTS (",
    ),
    "a deny ends with the link that is taken away": (
        "JOIN subject ON subject.id = last_user_id)",
        "JOIN subject ON subject.id = last_user_id WHERE false)",
    ),
    "whose an account was last is not looked for": (
        "WHERE EXISTS (SELECT FROM source_account WHERE last_user_id = first.id)", "WHERE false",
    ),
    "a deny ends for a class with the link that is taken away": (
        "JOIN user_account ON user_account.id = last_user_id",
        "JOIN user_account ON user_account.id = last_user_id AND false",
    ),
}  # fmt: skip

_ROW_SECURITY = {
    "suspended people read on": ("WHERE status = 'active' AND id = ANY", "WHERE id = ANY"),
    "a stranger is a member": (
        "SELECT id, id FROM asked WHERE id <= 3", "SELECT id, 3 FROM asked WHERE id <= 3",
    ),
    "allows above a break reach the document": (
        "WHERE effect = 'allow' AND grants", "WHERE effect = 'allow'",
    ),
    "a folder's denies are dropped": (
        "SELECT node_id FROM above WHERE effect = 'deny'", "SELECT node_id FROM above WHERE false",
    ),
    "a document's denies are dropped": (
        "SELECT policy_id FROM own WHERE effect = 'deny'", "SELECT policy_id FROM own WHERE false",
    ),
    "a folder's gates are dropped": (
        "SELECT node_id FROM above WHERE effect = 'gate'", "SELECT node_id FROM above WHERE false",
    ),
    "a document's gates are dropped": (
        "SELECT policy_id FROM own WHERE effect = 'gate'", "SELECT policy_id FROM own WHERE false",
    ),
    "or for and: one gate of a folder is enough": (
        "AND (node_id, gate) NOT IN (SELECT node_id, gate FROM open_gate)",
        "AND node_id NOT IN (SELECT node_id FROM open_gate)",
    ),
    "an unknown folder is taken for a known one": ("WHERE acl_state <> 'ok'", "WHERE false"),
    "an unknown document is taken for a known one": ("WHERE policy.known AND", "WHERE"),
    "a paused source is used": ("AND NOT source.paused", ""),
    "a stale source is used": ("AND (source.max_staleness IS NULL OR", "AND (true OR"),
    "a deny of somebody in a class does not bar the class": (
        "WHERE user_account.status = 'active'\n          AND within_id",
        "WHERE false\n          AND within_id",
    ),
    "a deny of a class does not bar the others": ("WHERE kind = 'class' AND", "WHERE false AND"),
    "what one acts as is taken for all": (
        "GROUP BY principal_id HAVING count(*) = (SELECT count(*) FROM asked)",
        "GROUP BY principal_id HAVING count(*) > 0",
    ),
    "an allow for one of the audience is enough": (
        "GROUP BY policy_id HAVING count(DISTINCT id) = (SELECT count(*) FROM asked)\n    )\n",
        "GROUP BY policy_id HAVING count(DISTINCT id) > 0\n    )\n",
    ),
    "a deny counts for the last of the audience only": (
        "SELECT principal_id FROM is_one\n      UNION",
        "SELECT principal_id FROM last_is\n      UNION",
    ),
    "a deny of an account of nobody's is dropped": (
        "(account.source_id IN (SELECT id FROM doubtful)", "(false",
    ),
    "what a deny reaches is looked for for classes alone": (
        "OR EXISTS (SELECT FROM doubtful)\n", "\n",
    ),
    "somebody without a link there is taken for linked": (
        "SELECT FROM listener WHERE id > 3 AND NOT EXISTS (",
        "SELECT FROM listener WHERE id < 0 AND NOT EXISTS (",
    ),
    "a link anywhere is taken for one there": (
        "WHERE identity.user_id = listener.id AND identity.source_id = source.id",
        "WHERE identity.user_id = listener.id",
    ),
    "a stranger is behind no account of nobody's": (
        "EXISTS (SELECT FROM asked WHERE id <= 1) ", "false ",
    ),
    "nobody of a class is behind an account of nobody's": (
        "WHERE status = 'active' AND within_id IN (SELECT id FROM asked WHERE id <= 3)\n"
        "                  AND NOT EXISTS (",
        "WHERE false AND NOT EXISTS (",
    ),
    "a deny ends with the link that is taken away": (
        "OR account.last_user_id IN (SELECT id FROM listener)", "",
    ),
    "whose an account was last is not looked for": (
        "SELECT FROM source_account WHERE last_user_id IN (SELECT id FROM asked)",
        "SELECT FROM source_account WHERE false",
    ),
    "a deny ends for a class with the link that is taken away": (
        "OR account.last_user_id IN (\n", "OR false AND account.last_user_id IN (\n",
    ),
}  # fmt: skip

_SCHEMA = {
    "row-level security is off on documents": (
        "ALTER TABLE document ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE document DISABLE ROW LEVEL SECURITY",
    ),
    "row-level security is off on chunks": (
        "ALTER TABLE chunk ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE chunk DISABLE ROW LEVEL SECURITY",
    ),
    "a second rule opens the documents": (
        "DROP POLICY open ON document",
        "CREATE POLICY open ON document FOR SELECT TO ken_answerer USING (true)",
    ),
    "what one may read is looked up without looking": (
        "ALTER POLICY readable ON document"
        " USING (get_bit((SELECT readable_set()), policy_id) <> 0)",
        "ALTER POLICY readable ON document"
        " USING (get_bit((SELECT readable_set()), policy_id) >= 0)",
    ),
    "a link that is taken away is still followed": (
        "ALTER TABLE identity ENABLE TRIGGER follow_link",
        "ALTER TABLE identity DISABLE TRIGGER follow_link",
    ),
    "chunks are readable without their document": (
        "ALTER POLICY readable ON chunk USING"
        " ((SELECT true FROM document WHERE document.id = chunk.document_id))",
        "ALTER POLICY readable ON chunk USING (true)",
    ),
}

_DECIDE = {
    "suspended people read on": ("if not subject.active:", "if False:"),
    "a stale source is used": ("if not usable:", "if False:"),
    "an unknown node is taken for a known one": ("if not node.known:", "if False:"),
    "denies are dropped": ("subject.bars & node.deny", "frozenset() & node.deny"),
    "gates are dropped": ("if not subject.holds & gate:", "if False:"),
    "allows above a break count": ("if not node.inherit:", "if False:"),
    "the suspended are taken for others who hold the same": (
        "            subject.active,\n            subject.holds", "            subject.holds",
    ),
}  # fmt: skip

_SUBJECTS = {
    "a deny of an account of nobody's is dropped": ("if found else sure", "if False else sure"),
    "what a deny reaches is looked for for classes alone": (
        "(one, source_id) not in linked\n", "False\n",
    ),
    "somebody without a link there is taken for linked": (
        "or (subject_id, account.source_id) not in self.linked",
        "or subject_id == STRANGER",
    ),
    "the internet is only those whom we know": (
        "if subject_id in (STRANGER, Class.INTERNET):", "if False:",
    ),
    "nobody of a class is behind an account of nobody's": (
        "max(self.lacking[account.source_id], had)", "had",
    ),
    "a deny ends with the link that is taken away": (
        "subject_id == account.last_user_id", "False",
    ),
    "whose an account was last is not looked for": ("bool(session.scalar(select(had)))", "False"),
    "a deny ends for a class with the link that is taken away": (
        "had = self.class_of.get(account.last_user_id or 0, 0)", "had = 0",
    ),
}  # fmt: skip

_ACCESS = {
    "what one may read stays with the connection": (
        "set_config('ken.audience', :ids, true)", "set_config('ken.audience', :ids, false)",
    ),
}  # fmt: skip

_DIRECTORY = {
    "an account that nobody knows is left out of the audience": (
        "        ids.add(STRANGER)", "        pass",
    ),
}  # fmt: skip

_SOURCE = {
    "an unknown name in a deny or a gate is dropped": (
        "known=all(name in principals for name in guards) and all(named.gates)",
        "known=all(named.gates)",
    ),
}  # fmt: skip

_CHANGE = {
    "those who left a group stay in it": ("if gone := held - wanted:", "if gone := set():"),
    "a deny of a deleted group is forgotten": (
        "for node_id in sorted(closed):", "for node_id in ():",
    ),
    "an account that changes hands stays with the one before": (
        'set_={"user_id": user_id, "linked_by": by}', 'set_={"linked_by": by}',
    ),
    "a moved folder keeps its old chain": (
        'recompute_subtree(self.session, node_id)\n        self._record("move"',
        'self._record("move"',
    ),
    "a document's new entries do not reach its policy": (
        "            reassign_policies(self.session, [node_id])\n"
        "            if permissions.inherit",
        "            if permissions.inherit",
    ),
    "a new break does not reach the chains": (
        "if permissions.inherit != before.inherit:", "if False:",
    ),
    "a folder's new restrictions are not marked": (
        "            else:\n                refresh_guards(self.session, node_id)\n",
        "",
    ),
    "a status is not written": (".values(status=status)", ".values(status=User.status)"),
}  # fmt: skip

_LABELS = {
    "chains are not refreshed below a folder that moved": (
        "    refresh_chains(session, _policies_anchored_at(session, hanging))\n", "",
    ),
    "documents keep their label below a folder that moved": (
        "    reassign_policies(session, hanging)  #", "    #",
    ),
    "policies that differ in their gates are one": (
        "concat_ws(':', effect, gate, principal_id)", "concat_ws(':', effect, principal_id)",
    ),
    "policies that differ in being known are one": (
        "concat_ws(' ', node.inherit, node.acl_state,", "concat_ws(' ', node.inherit, 'ok',",
    ),
    "no folder is marked as one that restricts": (
        "node.acl_state <> 'ok' OR EXISTS (\n               SELECT FROM entry",
        "false AND EXISTS (\n               SELECT FROM entry",
    ),
    "all anchors' allows reach the document": (
        "climb.grants AND node.inherit", "climb.grants",
    ),
}  # fmt: skip

_ANSWER = {
    "the final check is left out": ("", ""),
    "the audience is looked up once": ("", ""),
}
"""Switched off in the path itself (see `_switch`): its steps are hooked by name."""

_AUDIENCE = {
    "only one member of a private channel counts": (
        "Readers(accounts=place.members) if place.members else None",
        "Readers(accounts=frozenset(sorted(place.members, key=str)[:1]))"
        " if place.members else None",
    ),
}

MUTANTS = tuple(
    Mutant(f"{where.rpartition('.')[2]}: {name}", where, protection, instead)
    for where, kinds in {
        "query": _QUERY,
        "row security": _ROW_SECURITY,
        "schema": _SCHEMA,
        "policies.decide": _DECIDE,
        "policies.subjects": _SUBJECTS,
        "policies.access": _ACCESS,
        "policies.directory": _DIRECTORY,
        "policies.source": _SOURCE,
        "policies.change": _CHANGE,
        "policies.labels": _LABELS,
        "answer": _ANSWER,
        "workers.answering.audience": _AUDIENCE,
    }.items()
    for name, (protection, instead) in kinds.items()
)
