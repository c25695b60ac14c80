"""Somebody else's tester of SCIM servers (scim2-tester)."""

from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server
from starlette.testclient import TestClient

from tests.workers.admin.scim.client import HOST, KEN, TOKEN, application
from workers.database.sessions import Database

# The tester adds the whole extension, then adds to its list, and expects the list to have only the
# second value. RFC 7644, 3.5.2.1: "If the target location specifies a multi-valued attribute, a
# new value is added to the attribute." (`test_an_add_to_a_list_keeps_what_is_there` shows ours.)
_ADDS_TO_A_LIST = f"PATCH modify() returned unexpected value for '{KEN}:identities'"


def test_scim2_tester_finds_nothing_wrong(database: Database) -> None:
    with TestClient(
        application(database), base_url=f"{HOST}/scim/v2", headers={"authorization": TOKEN}
    ) as http:
        results = check_server(SyncSCIMClient(http))
    wrong = [
        f"{one.resource_type} {one.title}: {one.status.name}: {one.reason}"
        for one in results
        if one.status not in (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE)
    ]
    assert [one for one in wrong if _ADDS_TO_A_LIST not in one] == []
    assert len(results) > 100
