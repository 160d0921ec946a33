"""A server on this machine that speaks chat completions and answers by a script: for examples that need no model.

In:  a function from the text of a conversation to the reply.
Out: the server's address, while it runs.
"""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[[str, str], str]
"""From the model's name and all that was said, to the reply."""


@contextmanager
def serving(script: Script) -> Generator[str, None, None]:
    """A running server; it gives the address that model specs have, such as "http://127.0.0.1:8080/v1#NAME" without the name."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body in one packet: two would wait for each other's acknowledgement.
        wbufsize = -1

        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = "\n\n".join(str(message.get("content") or "") for message in body["messages"])
            reply = json.dumps(_completion(body["model"], said, script(body["model"], said))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            """Leave the terminal to the example."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _completion(model: str, said: str, reply: str) -> dict[str, Any]:
    """Tokens are counted as a quarter of the characters."""
    return {
        "id": "scripted",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": len(said) // 4, "completion_tokens": len(reply) // 4},
    }
