"""Runs `ken` by a fork of a process that has loaded all of it: loading costs more than most runs.

`python -m tests.workers.cli.forking NAME` listens at this name until its standard input ends.
`forked.py` asks; what it asks for has its words, folder, settings and streams.
"""

import gc
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from importlib import import_module

import workers
from workers.cli.main import main
from workers.models.multilingual import Multilingual

_load = Multilingual.load


def serve(name: str) -> None:
    """Return in each child alone, which is `ken` from then on."""
    load()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"\0{name}")
        door.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready, _, _ = select.select([door, sys.stdin], [], [])
            if sys.stdin in ready:
                sys.exit()
            client, _ = door.accept()
            if os.fork() == 0:
                break
            client.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _fork_for(client)


def load() -> None:
    """Load all but what needs onnxruntime, which begins a thread that no fork would have."""
    kept = Multilingual.load()  # takes a second, and survives a fork
    Multilingual.load = lambda *, folder=None: kept if folder is None else _load(folder=folder)  # type: ignore[method-assign]
    sys.modules["onnxruntime"] = None  # type: ignore[assignment]
    for module in pkgutil.walk_packages(workers.__path__, "workers."):
        with suppress(ImportError):
            import_module(module.name)
    del sys.modules["onnxruntime"]
    assert threading.active_count() == 1


def _fork_for(client: socket.socket) -> None:
    """Return in the child; tell the client its number, and then how it ended."""
    words, streams, _, _ = socket.recv_fds(client, 1 << 16, 3)
    while more := client.recv(1 << 16):
        words += more
    pid = os.fork()
    if pid == 0:
        client.close()
        _become(json.loads(words), streams)
        return
    for stream in streams:
        os.close(stream)
    client.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(order: dict[str, object], streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    os.chdir(str(order["folder"]))
    sys.argv = ["ken", *order["arguments"]]  # type: ignore[misc]


if __name__ == "__main__":
    serve(sys.argv[1])
    main()
