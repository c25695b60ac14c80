"""What became of recent questions, and how answers were rated: times, states and numbers, no word.

Who asked, and where, is not shown here either: `ken shown` and the page about access say that of
one document, for those who look into a leak.
"""

from sqlalchemy import text
from starlette.responses import Response

from workers.admin.page.rendering import render
from workers.admin.page.visits import PAGE_SIZE, Visit

_DAYS = 30


def show(visit: Visit) -> Response:
    wanted = {"before": visit.after or None, "limit": PAGE_SIZE + 1}
    with visit.database.session("syncer") as session:
        found = session.execute(_READ_QUESTIONS, wanted).all()
        outcomes = session.execute(_COUNT_OUTCOMES, {"days": _DAYS}).all()
    more = found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    return render(
        visit,
        "answers.html",
        questions=found[:PAGE_SIZE],
        more=more,
        outcomes=outcomes,
        days=_DAYS,
    )


def show_feedback(visit: Visit) -> Response:
    wanted = {"before": visit.after or None, "limit": PAGE_SIZE + 1}
    with visit.database.session("syncer") as session:
        found = session.execute(_READ_FEEDBACK, wanted).all()
        verdicts = session.execute(_COUNT_VERDICTS, {"days": _DAYS}).all()
    more = found[PAGE_SIZE - 1].question_id if len(found) > PAGE_SIZE else None
    return render(
        visit,
        "feedback.html",
        ratings=found[:PAGE_SIZE],
        more=more,
        verdicts=verdicts,
        days=_DAYS,
    )


# Reads the newest questions: when and how each was asked and ended, and how many documents were
# used for it and cited.
_READ_QUESTIONS = text("""
    SELECT question.id, surface, asked_at, state, reason,
           extract(epoch FROM ended_at - asked_at)::float8 AS seconds,
           coalesce(cardinality(used), 0) AS used, coalesce(cardinality(cited), 0) AS cited,
           coalesce(model, '') AS model
    FROM question LEFT JOIN LATERAL (
        SELECT used, cited, model FROM answer WHERE question_id = question.id
        ORDER BY answer.id DESC LIMIT 1) AS last ON true
    WHERE CAST(:before AS bigint) IS NULL OR question.id < :before
    ORDER BY question.id DESC LIMIT :limit
""")

# Counts how the questions of the last days ended.
_COUNT_OUTCOMES = text("""
    SELECT state, coalesce(reason, '') AS reason, count(*) AS questions
    FROM question WHERE asked_at > now() - make_interval(days => :days)
    GROUP BY 1, 2 ORDER BY questions DESC, 1, 2 LIMIT 50
""")

# Reads the ratings of the newest questions, without what was written with them.
_READ_FEEDBACK = text("""
    SELECT question_id, verdict, reason, at FROM feedback
    WHERE CAST(:before AS bigint) IS NULL OR question_id < :before
    ORDER BY question_id DESC, at DESC LIMIT :limit
""")

# Counts the ratings of the last days.
_COUNT_VERDICTS = text("""
    SELECT verdict, reason, count(*) AS ratings
    FROM feedback WHERE at > now() - make_interval(days => :days)
    GROUP BY 1, 2 ORDER BY ratings DESC, 1, 2
""")
