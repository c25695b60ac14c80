"""What the models have cost, whether a budget is spent, and whether a model rests after failures.

All of it is counted from the table `model_use`, so that all workers see the same, and a restart
forgets nothing. The circuit breaker: after three failures in a row a model is not called for half a
minute; then one question tries it, and the others follow if it answers.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from workers.database.sessions import Database
from workers.intake.messages import OUTSIDE_SLACK
from workers.models.usage import Usage
from workers.observe import metrics
from workers.settings import Budget, Settings

FAILURES, REST_S = 3, 30.0
"""After so many failures in a row, a model rests for so long."""
_LONGEST_REST_S = 60.0
"""A server that asks for more is tried again after this."""
_OF_THE_SERVER = frozenset(
    "timeout connection busy server_error cut_body unauthorized forbidden no_credit redirected"
    " model_not_found no_api bad_address no_json_body no_answer_body body_too_large status_failed"
    " finish_error".split()
)
"""Failures that the next question meets, too; others are about one question."""


@dataclass(frozen=True, slots=True)
class Payer:
    """For whom a model works."""

    question_id: int
    team_id: str
    user_id: str
    is_limited: bool = True
    """The terminal is an operator's: what it costs is counted, and not limited."""

    @property
    def named(self) -> dict[str, object]:
        return {"question": self.question_id, "team": self.team_id, "user": self.user_id}


def spent_budget(database: Database, settings: Settings, payer: Payer) -> Budget | None:
    """Return the first budget that is used up; None if the model may be called.

    Questions that are being answered right now are not counted yet, so a budget may be exceeded by
    what those cost.
    """
    if not (settings.budgets and payer.is_limited):
        return None
    with database.session("answerer") as session:
        row = session.execute(_READ_SPENT, payer.named).one()._asdict()
    for budget in settings.budgets:
        if row[f"{budget.scope}_{budget.span}"] >= budget.most:
            return budget
    return None


def rests(database: Database, model: str) -> bool:
    """Whether a model is not called now, after failures."""
    with database.session("answerer") as session:
        last = session.execute(_READ_LAST, {"model": model}).one_or_none()
    return last is not None and bool(last.rests)


def may_call(database: Database, model: str) -> bool:
    """Whether a model is called now. After a rest, one question tries it and the others wait."""
    with database.session("answerer") as session:
        last = session.execute(_READ_LAST, {"model": model}).one_or_none()
        if last is None or last.again_at is None:
            return True
        if last.rests:
            return False
        session.execute(_LOCK, {"model": model})
        tried = session.execute(_TRY, {"model": model, "seconds": REST_S, "last": last.id})
        return tried.one_or_none() is not None


def record(
    database: Database,
    settings: Settings,
    payer: Payer,
    usage: Usage,
    *,
    failure: str = "",
    retry_after_s: float | None = None,
) -> None:
    """Record what a model has done; `failure`: the constant reason why it did not answer."""
    model = settings.model_name
    cost = usage.cost(settings.model_price_input, settings.model_price_output)
    with database.session("answerer") as session:
        session.execute(
            _RECORD,
            {
                **payer.named,
                "person": payer.user_id if payer.team_id in OUTSIDE_SLACK else None,
                "model": model,
                "outcome": failure,
                "input": usage.input_tokens,
                "output": usage.output_tokens,
                "estimated": usage.estimated,
                "cost": cost,
                "rest_s": _rest_s(session, model, failure, retry_after_s),
            },
        )
    metrics.MODEL_TOKENS.labels(model, "input").inc(usage.input_tokens)
    metrics.MODEL_TOKENS.labels(model, "output").inc(usage.output_tokens)
    metrics.MODEL_COST.labels(model).inc(cost or 0.0)


def _rest_s(
    session: Session, model: str, failure: str, retry_after_s: float | None
) -> float | None:
    """Return how long a model rests after this; None if it does not."""
    if failure not in _OF_THE_SERVER:
        return None
    if retry_after_s is not None:
        return min(retry_after_s, _LONGEST_REST_S)
    before = session.scalars(_READ_OUTCOMES, {"model": model, "most": FAILURES - 1}).all()
    failed = [one for one in before if one == "trying" or one in _OF_THE_SERVER]
    return REST_S if "trying" in failed or len(failed) == FAILURES - 1 else None


# Sums what the asker, their team and their workspace have cost today and this month (UTC).
_READ_SPENT = text("""
    WITH asker AS (
        SELECT person.id, nullif(person.profile ->> 'team', '') AS team
        FROM source JOIN identity ON identity.source_id = source.id
        JOIN user_account AS person ON person.id = identity.user_id
        WHERE source.name = 'slack:' || CAST(:team AS text) AND identity.native_id = :user
      UNION
        SELECT id, nullif(profile ->> 'team', '') FROM user_account
        WHERE :team = ANY(:outside) AND id::text = :user
    ), began AS (
        SELECT date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS day,
               date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month
    ), used AS (
        SELECT use.cost, use.at >= began.day AS today,
               use.team_id = :team AS in_workspace,
               use.team_id = :team AND use.user_id = :user
                   OR use.person_id = (SELECT id FROM asker) AS own,
               (SELECT team FROM asker) IS NOT NULL AND EXISTS (
                   SELECT FROM user_account WHERE user_account.id = use.person_id
                   AND user_account.profile ->> 'team' = (SELECT team FROM asker)) AS in_team
        FROM model_use AS use, began WHERE use.at >= began.month AND use.cost > 0
    )
    SELECT coalesce(sum(cost) FILTER (WHERE own AND today), 0) AS person_day,
           coalesce(sum(cost) FILTER (WHERE own), 0) AS person_month,
           coalesce(sum(cost) FILTER (WHERE in_team AND today), 0) AS team_day,
           coalesce(sum(cost) FILTER (WHERE in_team), 0) AS team_month,
           coalesce(sum(cost) FILTER (WHERE in_workspace AND today), 0) AS workspace_day,
           coalesce(sum(cost) FILTER (WHERE in_workspace), 0) AS workspace_month
    FROM used
""").bindparams(outside=sorted(OUTSIDE_SLACK))

# Reads when a model may be called again.
_READ_LAST = text("""
    SELECT id, again_at, again_at > now() AS rests FROM model_use WHERE model = :model
    ORDER BY id DESC LIMIT 1
""")

# Lets one transaction at a time decide who tries a model.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('model ' || :model, 0))")

# Records that a model is tried, unless somebody else has recorded anything about it meanwhile.
_TRY = text("""
    INSERT INTO model_use (team_id, user_id, model, outcome, again_at)
    SELECT '', '', :model, 'trying', now() + make_interval(secs => :seconds)
    WHERE NOT EXISTS (SELECT FROM model_use WHERE model = :model AND id > :last)
    RETURNING id
""")

# Reads how the last uses of a model ended.
_READ_OUTCOMES = text("""
    SELECT outcome FROM model_use WHERE model = :model AND at > now() - interval '10 minutes'
    ORDER BY id DESC LIMIT :most
""")

# Records one use of a model, and the person whose account asked.
_RECORD = text("""
    INSERT INTO model_use (question_id, team_id, user_id, person_id, model, outcome,
                           input_tokens, output_tokens, estimated, cost, again_at)
    SELECT :question, :team, :user,
           coalesce(CAST(:person AS bigint),
                    (SELECT identity.user_id FROM source
                     JOIN identity ON identity.source_id = source.id
                     WHERE source.name = 'slack:' || CAST(:team AS text)
                       AND identity.native_id = :user)),
           :model, :outcome, :input, :output, :estimated, :cost,
           now() + make_interval(secs => CAST(:rest_s AS double precision))
""")
