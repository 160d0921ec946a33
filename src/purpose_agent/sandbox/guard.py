"""A tripwire: what code tried that a sandbox would have stopped, told by Python's audit events (PEP 578).

Only where there is no wall (level process-only). It stops nothing and hides nothing from code that looks for it: CPython's documentation
says that audit hooks are no sandbox. Standard library only: it runs where this package can't be imported.
"""

import os
import sys
from collections.abc import Callable

MOST = 20
STARTS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.system", "pty.spawn")
CONNECTS = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.sendmsg")
CHANGES = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.link",
    "os.symlink",
    "os.mkdir",
    "os.utime",
)
REACHES = ("os.kill", "os.killpg", "ctypes.dlopen", "os.putenv", "os.setxattr", "os.removexattr")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def install(folder: str, report: Callable[[list[str]], None]) -> None:
    """Report attempts, each once, from now on; the first twenty."""
    tried: dict[str, None] = {}
    inside = os.path.realpath(folder) + os.sep
    library = tuple(os.path.realpath(path) for path in sys.path if path and os.path.realpath(path) + os.sep != inside)
    busy = False

    def lies_outside(path: object) -> bool:
        if not isinstance(path, str | bytes):
            return False
        if not os.path.isabs(path) and ".." not in os.fsdecode(path):
            return False  # as far as nobody changed the folder
        return not os.path.realpath(os.fsdecode(path)).startswith(inside)

    def what(event: str, arguments: tuple[object, ...]) -> str:
        first = arguments[0] if arguments else ""
        if event == "open":
            flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
            if flags & WRITES:
                return f"write {first!r}" if lies_outside(first) else ""
            known = isinstance(first, str) and os.path.realpath(first).startswith((*library, "/dev/"))
            return f"read {first!r}" if lies_outside(first) and not known else ""
        if event in STARTS or event in CONNECTS or event in REACHES:
            return f"{event} {arguments[1] if event in CONNECTS and len(arguments) > 1 else first!r}"
        return f"{event} {first!r}" if event in CHANGES and lies_outside(first) else ""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal busy
        if busy or len(tried) >= MOST or (event != "open" and "." not in event):
            return
        busy = True
        try:
            told = what(event, arguments)[:200]
            if told and told not in tried:
                tried[told] = None
                report(list(tried))
        # BLE001: a path the code made up may do anything; the tripwire must not change what the code sees.
        except Exception:  # noqa: BLE001
            return
        finally:
            busy = False

    sys.addaudithook(hook)
