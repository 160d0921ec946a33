"""A server on this machine that speaks chat completions, or breaks off, exactly as a test tells it."""

import json
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, cast

PATIENCE = 20.0
"""Seconds after which a test that waits for the other side has failed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does with one request.

    Attributes:
        body: Sent whole, with its length; a dict as JSON; a function makes it of the request's body.
        pieces: Sent one by one instead of a body.
        ending: After the pieces: end properly, hang up in the middle of a chunk, or wait for the client to go.
    """

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    pieces: Sequence[str] | None = None
    ending: Literal["proper", "broken", "waits"] = "proper"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class ChatServer(ThreadingHTTPServer):
    """Gives its replies in order, the last one again and again.

    Attributes:
        asked: All requests so far.
        arrived: Set once a request is there.
        left: Set once a client has hung up on a server that waits.
    """

    daemon_threads = True

    def __init__(self, *replies: Reply) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.replies = list(replies)
        self.asked: list[Asked] = []
        self.arrived = threading.Event()
        self.left = threading.Event()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A client that hangs up is noticed; one that never does ends the test all the same.
    timeout = PATIENCE
    # Headers and body in one packet: two would wait for each other's acknowledgement.
    wbufsize = -1

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        server = cast("ChatServer", self.server)
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        server.asked.append(Asked(self.command, self.path, headers, json.loads(raw) if raw else None))
        server.arrived.set()
        reply = server.next_reply()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.pieces is None:
            made = reply.body(server.asked[-1].body) if callable(reply.body) else reply.body
            body = made if isinstance(made, bytes) else json.dumps(made).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in reply.pieces:
            data = piece.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if reply.ending == "proper":
            self.wfile.write(b"0\r\n\r\n")
            return
        self.wfile.flush()
        self.close_connection = True
        if reply.ending == "waits" and not self.connection.recv(1):
            server.left.set()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def serving(*replies: Reply) -> Generator[ChatServer, None, None]:
    """A running server."""
    server = ChatServer(*replies)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def completion(text: str | None = "four", *, finish: str = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion; `more` goes into the message."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "tiny-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}},
    }


def wire_call(name: str, arguments: object, call_id: str = "call_a") -> dict[str, Any]:
    """A tool call as servers send it."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def events(*deltas: Mapping[str, Any], finish: str | None = "stop", done: bool = True) -> list[str]:
    """A stream: one event for each delta, then the end, the usage and [DONE]."""
    rows: list[dict[str, Any]] = [{"model": "tiny-2026", "choices": [{"index": 0, "delta": dict(delta)}]} for delta in deltas]
    if finish is not None:
        rows.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        rows.append({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}})
    return [f"data: {json.dumps(row)}\n\n" for row in rows] + (["data: [DONE]\n\n"] if done else [])
