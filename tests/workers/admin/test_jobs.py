"""Jobs and versions of the index, over the admin API."""

from policies.change import Change
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


def test_a_re_index_is_begun_once_and_gone_back_from(api: Api, database: Database) -> None:
    token = api.token("index")
    begun = api.call("POST", "/v1/reindexes", json={"budget": 1}, headers=token)
    assert (begun.status_code, "needs a price" in begun.text) == (422, True)
    refused = api.call("POST", "/v1/reindexes/roll-back", headers=token)
    assert (refused.status_code, "no earlier version" in refused.text) == (409, True)
    wanted = {"model": "built-in", "quiet": {"begin": "08:00", "end": "18:00"}}
    begun = api.call("POST", "/v1/reindexes", json=wanted, headers=token)
    assert (begun.status_code, begun.json()["kind"], begun.json()["state"]) == (
        *(202, "reindex", "waiting"),
    )
    assert begun.json()["expected"] == {"chunks": 0, "tokens": 0, "cost": None}
    assert rows.job(database, begun.json()["id"]).details["quiet"] == ["08:00", "18:00"]
    again = api.call("POST", "/v1/reindexes", json={}, headers=token)
    assert (again.status_code, "open already" in again.text) == (409, True)
    unknown = api.call("POST", "/v1/reindexes", json={"model": "nonsense"}, headers=token)
    assert (unknown.status_code, "no server for others is set" in unknown.text) == (422, True)


def test_a_source_is_read_again_now_and_on_a_schedule(api: Api, database: Database) -> None:
    token = api.token("index")
    for method, place, body in (
        ("POST", "/v1/index/nowhere/reread", None),
        ("PUT", "/v1/schedules/reread/nowhere", {"every": "P1D"}),
        ("DELETE", "/v1/schedules/reread/nowhere", None),
        ("DELETE", "/v1/schedules/reindex", None),
    ):
        assert api.call(method, place, json=body, headers=token).status_code == 404
    with database.session("indexer") as session:
        Change(session, actor="test").put_source("wiki")
    begun = api.call("POST", "/v1/index/wiki/reread", headers=token)
    assert (begun.status_code, begun.json()["subject"]) == (202, "wiki")

    every = {"every": "P7D", "quiet": {"begin": "08:00", "end": "18:00"}}
    made = api.call("PUT", "/v1/schedules/reread/wiki", json=every, headers=token).json()
    assert (made["kind"], made["every"], made["quiet"]["begin"]) == ("reread", "P7D", "08:00:00")
    api.call("PUT", "/v1/schedules/reindex", json={"every": 3600}, headers=token)
    listed = api.call("GET", "/v1/schedules", headers=token).json()
    assert [one["kind"] for one in listed] == ["reindex", "reread"]
    for place in ("reindex", "reread/wiki"):
        assert api.call("DELETE", f"/v1/schedules/{place}", headers=token).status_code == 204
    assert api.call("GET", "/v1/schedules", headers=token).json() == []
