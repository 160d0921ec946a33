"""JSON in frames over a socket: four bytes of length, then the text.

Standard library only: it runs where this package can't be imported.
"""

import json
import socket
import struct
from typing import Any

MOST = 256 * 2**20
"""Bytes of one frame."""


def send(line: socket.socket, words: object) -> None:
    """Write a frame.

    Raises:
        ValueError: It would be too long.
    """
    data = json.dumps(words).encode()
    if len(data) > MOST:
        raise ValueError(f"{len(data)} bytes, more than the {MOST} of a frame")
    line.sendall(struct.pack("!I", len(data)) + data)


def receive(line: socket.socket) -> Any:
    """The next frame.

    Raises:
        EOFError: The other side has gone, or speaks nonsense.
    """
    (size,) = struct.unpack("!I", _exactly(line, 4))
    if size > MOST:
        raise EOFError(f"a frame of {size} bytes")
    return json.loads(_exactly(line, size))


def _exactly(line: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = line.recv(min(size, 2**20))
        if not part:
            raise EOFError("the line was closed")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
