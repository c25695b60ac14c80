"""Jobs and versions of the index, over the admin API."""

from tests.workers.admin.calls import Api
from workers.database.sessions import Database
from workers.index import versions
from workers.jobs import rows


def test_a_job_is_shown_paused_resumed_and_ended(api: Api, database: Database) -> None:
    token = api.token("index")
    with database.session("indexer") as session:
        job_id = rows.submit(session, "reindex", actor="test")
    (listed,) = api.call("GET", "/v1/jobs?open=true", headers=token).json()
    assert (listed["id"], listed["state"], listed["actor"]) == (job_id, "waiting", "test")
    place = f"/v1/jobs/{job_id}"
    for word, state in (("pause", "paused"), ("resume", "waiting"), ("cancel", "cancelled")):
        assert api.call("POST", f"{place}/{word}", headers=token).json()["state"] == state
    refused = api.call("POST", f"{place}/pause", headers=token)
    assert (refused.status_code, "Nothing was changed" in refused.text) == (409, True)
    assert api.call("GET", place, headers=token).json()["state"] == "cancelled"
    assert api.call("GET", "/v1/jobs?open=true", headers=token).json() == []
    assert api.call("GET", "/v1/jobs/999", headers=token).status_code == 404


def test_the_versions_of_the_index_are_listed(api: Api, database: Database) -> None:
    token = api.token("index")
    assert api.call("GET", "/v1/index-versions", headers=token).json() == []
    with database.session("indexer") as session:
        models = [versions.model_row(session, "one", 3), versions.model_row(session, "two", 4)]
        versions.put_first(session, models, actor="test", reader_version=1)
    (found,) = api.call("GET", "/v1/index-versions", headers=token).json()
    assert (found["state"], found["model"], found["multilingual"]) == ("active", "one", "two")
