"""A language model that answers on command: until then its caller is in the middle of a task."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PATIENCE_S = 30.0


class HeldModel:
    """POST /v1/responses; while it is held, every request waits for `release`."""

    def __init__(self) -> None:
        self.url = ""
        self._prompts: list[str] = []
        self._open = True
        self._changed = threading.Condition()

    def hold(self) -> None:
        with self._changed:
            self._open = False

    def release(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def wait_until_asked(self, question: str, times: int = 1) -> None:
        """Somebody waits for an answer to this question, for the so-manieth time."""
        with self._changed:
            asked = self._changed.wait_for(
                lambda: sum(question in prompt for prompt in self._prompts) >= times, _PATIENCE_S
            )
        assert asked, f"the model was not asked {times} times"

    def answer(self, prompt: str) -> dict[str, Any]:
        """One sentence, which quotes the first passage."""
        with self._changed:
            self._prompts.append(prompt)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open, _PATIENCE_S)
        passage = prompt.partition("[1] ")[2].partition("\n\n[2] ")[0].partition("\n")[2]
        quote = passage.partition("\n\nQuestion: ")[0]
        said = {"sentences": [{"text": quote, "passage": 1, "quote": quote}]}
        part = {"type": "output_text", "text": json.dumps(said), "annotations": []}
        message = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"}
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": "held",
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "output": [{**message, "content": [part]}],
        }


@contextmanager
def held_model() -> Iterator[HeldModel]:
    model = HeldModel()

    class Speaks(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(model.answer(asked["input"])).encode()
            with suppress(ConnectionError):  # the caller was killed meanwhile
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Speaks)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield model
    finally:
        model.release()
        server.shutdown()
        thread.join()
        server.server_close()
