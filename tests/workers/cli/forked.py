"""Has `forking.py` run `ken`, and ends as it ends. It loads next to nothing."""

import json
import os
import signal
import socket
import sys


def main(name: str, arguments: list[str]) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(f"\0{name}")
        order = {
            "arguments": arguments,
            "environment": dict(os.environ),
            "folder": os.getcwd(),  # noqa: PTH109 - pathlib takes longer to load than all the rest
        }
        socket.send_fds(server, [json.dumps(order).encode()], [0, 1, 2])
        server.shutdown(socket.SHUT_WR)
        told = server.makefile()
        pid = int(told.readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda given, _: os.kill(pid, given))
        code = int(told.readline())
    if code < 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
