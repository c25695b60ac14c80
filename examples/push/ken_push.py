"""Push documents to Ken: a small client, and a command that keeps a folder of files in step.

    export KEN_TOKEN=ken_…          # ken token create wiki-push --scope push:wiki
    python ken_push.py FOLDER --source wiki --allow class:members

It needs Python 3.11 and nothing else. Copy the file and change it as you like.
"""

import argparse
import base64
import json
import os
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

Document = Mapping[str, Any]
Result = Mapping[str, Any]

DOCUMENTS_A_CALL = 100
BYTES_A_CALL = 8_000_000
IDS_A_CALL = 1_000
TRIES = 8
BUSY_S = 1.0


class Refused(Exception):
    """Ken refused a whole call: `problem` says why (RFC 9457)."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('status')}: {problem.get('detail')}")
        self.problem = problem


class Ken:
    """The documents of one source in Ken."""

    def __init__(self, url: str, token: str, source: str, timeout_s: float = 600) -> None:
        self._place = f"{url.rstrip('/')}/v1/sources/{quote(source, safe='')}/documents"
        self._token = token
        self._timeout_s = timeout_s

    def put(self, documents: Iterable[Document]) -> Iterator[Result]:
        """Store documents, in as many calls as they need; yield what became of each, in order."""
        for some in _batches(documents):
            yield from self._call("POST", "", {"documents": some})["results"]

    def delete(self, ids: Iterable[str]) -> Iterator[Result]:
        """Delete documents; yield what became of each."""
        every = list(ids)
        for at in range(0, len(every), IDS_A_CALL):
            yield from self._call("POST", "/delete", {"ids": every[at : at + IDS_A_CALL]})[
                "results"
            ]

    def ids(self) -> Iterator[str]:
        """Yield the ids of all documents that Ken has of this source."""
        after = ""
        while True:
            page = self._call("GET", f"?limit=1000&after={quote(after, safe='')}" if after else "")
            yield from (one["id"] for one in page["documents"])
            if page["next"] is None:
                return
            after = page["next"]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """Call until it is answered. The key makes sure that a repeated call counts once, and
        brings nothing back that another one has taken away meanwhile: Ken refuses it then (409).
        """
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        content = None if body is None else json.dumps(body).encode()
        for left in reversed(range(TRIES)):
            try:
                request = Request(self._place + path, content, headers, method=method)
                with urlopen(request, timeout=self._timeout_s) as answer:
                    return json.load(answer)
            except HTTPError as error:
                wait = error.headers.get("Retry-After")
                if not left or wait is None or error.code != 503:
                    raise Refused(_problem(error)) from None
                time.sleep(float(wait))
            except (URLError, TimeoutError, ConnectionError):
                if not left:
                    raise
                time.sleep(2 ** (TRIES - left) / 10)
        raise AssertionError


def _problem(error: HTTPError) -> Mapping[str, Any]:
    try:
        return dict(json.load(error))
    except ValueError:
        return {"status": error.code, "detail": error.reason}


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    some: list[Document] = []
    size = 0
    for one in documents:
        length = len(json.dumps(one))
        if some and (len(some) == DOCUMENTS_A_CALL or size + length > BYTES_A_CALL):
            yield some
            some, size = [], 0
        some.append(one)
        size += length
    if some:
        yield some


def files_of(folder: Path, permissions: Mapping[str, Any]) -> Iterator[Document]:
    """Yield each file below the folder as a document; its id is its path."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            content = base64.b64encode(file.read_bytes()).decode()
            yield {
                "id": file.relative_to(folder).as_posix(),
                "permissions": permissions,
                "file": {"name": file.name, "content": content},
            }


def keep_in_step(ken: Ken, folder: Path, permissions: Mapping[str, Any]) -> list[Result]:
    """Push every file of the folder, and delete what is not in it any more.

    After another push, or one with an unknown end, the folder is read anew: what was read of it
    before may be older than what Ken has by now.
    """
    for _ in range(TRIES - 1):
        try:
            return _push_all(ken, folder, permissions)
        except Refused as refused:
            if refused.problem.get("status") != 409:
                raise
            time.sleep(BUSY_S)
    return _push_all(ken, folder, permissions)


def _push_all(ken: Ken, folder: Path, permissions: Mapping[str, Any]) -> list[Result]:
    results = list(ken.put(files_of(folder, permissions)))
    there = {str(one["id"]) for one in results}
    return results + list(ken.delete(one for one in ken.ids() if one not in there))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Keep a folder of files in step with Ken.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default=os.environ.get("KEN_URL", "http://127.0.0.1:3100"))
    parser.add_argument("--source", required=True)
    parser.add_argument("--allow", action="append", default=[], metavar="NAME")
    given = parser.parse_args(arguments)
    if not given.allow:
        parser.error("say who may read it: --allow class:members, group:ID or user:ID")
    ken = Ken(given.url, os.environ["KEN_TOKEN"], given.source)
    refused = 0
    for one in keep_in_step(ken, given.folder, {"allow": given.allow}):
        print(f"{one['result']:12}{one['id']}")
        for fault in one["errors"]:
            print(f"{'':12}{fault['place']}: {fault['message']}")
        for name in one["left_out"]:
            print(f"{'':12}nobody is {name['name']} ({name['effect']})")
        refused += one["result"] == "refused"
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
