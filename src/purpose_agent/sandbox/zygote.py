"""The script of the process that is forked for every execution: starts once, imports once, then waits.

In:  as arguments the policy as JSON, and the descriptor of a socket. Each message on it is one byte and a descriptor: the line of an
     execution (`supervisor.py`).
Out: first one line of JSON on the socket: ready, or why not. When the socket closes, it ends, and all below it.

It never reads a job: what it forks is always the same. Runs as a script, with `-I -S`, where this package can't be imported; so it makes
its neighbours importable first.
"""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

for _name, _path in (("purpose_agent", []), ("purpose_agent.sandbox", [os.path.dirname(os.path.abspath(__file__))])):
    if _name not in sys.modules:
        sys.modules[_name] = types.ModuleType(_name)
        sys.modules[_name].__path__ = _path

from purpose_agent.sandbox import namespaces, supervisor, tree  # noqa: E402
from purpose_agent.sandbox.syscalls import NO_NEW_PRIVS, LockdownError  # noqa: E402
from purpose_agent.sandbox.watching import reap  # noqa: E402

COMMON = """
    abc ast base64 bisect calendar collections collections.abc contextlib copy csv dataclasses datetime decimal enum
    fractions functools hashlib heapq html inspect io itertools json math numbers operator os pathlib pprint queue
    random re shutil statistics string struct tempfile textwrap threading time traceback types typing unicodedata uuid
    warnings weakref zlib
"""


def main() -> None:
    """Get ready, say so, serve."""
    policy: dict[str, Any] = json.loads(sys.argv[1])
    control = socket.socket(fileno=int(sys.argv[2]))
    tree.prctl(NO_NEW_PRIVS, 1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    readable: tuple[list[int], list[int]] = ([], [])
    policy["namespaces"] = []
    try:
        _import(policy)
        if policy["level"] == "strong":
            outside = namespaces.links()
            namespaces.enter()
            _become_first(control)
            policy["namespaces"] = namespaces.own(namespaces.links(), outside)
            namespaces.build(policy["read"])
        if policy["level"] != "process-only":
            places = _places(policy)
            for path in places:
                readable[not os.path.isdir(path)].append(_opened(path))
            policy["abi"] = _look_for_walls(policy)
    # BLE001: whatever it is, the user's process must be told, and nothing may run.
    except Exception as error:  # noqa: BLE001
        control.sendall(json.dumps({"failed": f"{error}"}).encode() + b"\n")
        return
    # Not dumpable: another process of the same user can't open our descriptors or our memory. Root can.
    tree.prctl(tree.SET_DUMPABLE, 0)
    if policy["level"] == "process-only":
        tree.prctl(tree.SET_CHILD_SUBREAPER, 1)
    gc.collect()
    gc.freeze()
    control.sendall(b'{"ready": true}\n')
    serve(control, policy, readable)


def serve(control: socket.socket, policy: Mapping[str, Any], readable: tuple[list[int], list[int]]) -> None:
    """Hand every line that comes to a supervisor, until nobody can send one any more. One is always forked ahead, and waits."""
    known: set[int] = set()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, _wake)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(woken, select.POLLIN)

    def fork_one() -> socket.socket | None:
        """A supervisor that waits for its line at the other end; None if there is no room for one now."""
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            return None
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                for inherited in (ours, control):
                    inherited.close()
                for pipe_end in (woken, wake):
                    os.close(pipe_end)
                _wait_and_supervise(theirs, policy, readable)
            finally:
                os._exit(0)
        known.add(pid)
        theirs.close()
        return ours

    spare, wanted = fork_one(), True
    while wanted or known:  # to the end of those that run: their own lines tell them that nobody waits
        for fd, _ in poll.poll():
            if fd == woken:
                _take_leave(woken, known)
                continue
            data, fds, _, _ = socket.recv_fds(control, 1, 1)
            if not data:
                wanted = False
                poll.unregister(control)
            for line in fds:
                # One that waited may have been ended meanwhile. If there is none, the line is closed, which tells its other end.
                _ = _handed(spare, line) or _handed(fork_one(), line)
                os.close(line)
            spare = fork_one() if wanted else _closed(spare)


def _wait_and_supervise(door: socket.socket, policy: Mapping[str, Any], readable: tuple[list[int], list[int]]) -> None:
    gc.disable()
    _, fds, _, _ = socket.recv_fds(door, 1, 1)
    door.close()
    if fds:
        with socket.socket(fileno=fds[0]) as line:
            supervisor.supervise(line, policy, readable)


def _handed(door: socket.socket | None, line: int) -> bool:
    """Whether somebody behind the door took the line."""
    if door is None:
        return False
    with door:
        try:
            return socket.send_fds(door, [b"x"], [line]) == 1
        except OSError:
            return False


def _closed(door: socket.socket | None) -> None:
    if door is not None:
        door.close()


def _wake(number: int, frame: object) -> None:
    """A signal with a handler writes to the wakeup descriptor."""


def _take_leave(woken: int, known: set[int]) -> None:
    """Of supervisors that ended. Whoever else has become our child has outlived its supervisor, and is ended."""
    with contextlib.suppress(BlockingIOError):
        os.read(woken, 4096)
    for pid in reap():
        known.discard(pid)
    for pid in tree.children():
        if pid not in known:
            tree.kill(pid)


def _import(policy: Mapping[str, Any]) -> None:
    """What code often needs, and the packages it was promised."""
    sys.path.extend(path for path in policy["sites"] if path not in sys.path)
    for name in (*COMMON.split(), *policy["packages"]):
        importlib.import_module(name)
    if policy["level"] != "process-only":
        importlib.import_module("purpose_agent.sandbox.landlock")
        importlib.import_module("purpose_agent.sandbox.seccomp")
        from purpose_agent.sandbox import shims

        shims.install(modes=policy["level"] == "strong")


def _become_first(control: socket.socket) -> None:
    """Go on as the first process of the new namespace; the one that started it only waits for it."""
    pid = os.fork()
    if pid:
        control.close()
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF)
    tree.prctl(tree.SET_PDEATHSIG, signal.SIGKILL)


def _places(policy: Mapping[str, Any]) -> list[str]:
    """What may be read. Of the library each entry by itself, where other packages may lie among them; "strong" has none there."""
    found: list[str] = []
    read: list[str] = policy["read"]
    for path in read:
        if path == policy["library"] and policy["level"] != "strong":
            found += [os.path.join(path, name) for name in sorted(os.listdir(path)) if name not in namespaces.HIDDEN]
        else:
            found.append(path)
    return [path for path in found if os.path.exists(path)]


def _opened(path: str) -> int:
    """A descriptor to speak of it by, of a number that no run uses."""
    fd = os.open(path, os.O_PATH)
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64)
    os.close(fd)
    return moved


def _rehearse(step: Callable[[], object]) -> None:
    """Take a step of the lockdown in a process that does nothing else: better refused now than by every run."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            step()
        # BLE001: whatever it is, it must be told.
        except BaseException as error:  # noqa: BLE001
            os.write(tell, str(error).encode())
        finally:
            os._exit(0)
    os.close(tell)
    os.waitpid(pid, 0)
    with open(told, "rb") as file:
        if said := file.read():
            raise LockdownError(said.decode(errors="replace"))


def _look_for_walls(policy: Mapping[str, Any]) -> int:
    """The version of Landlock's interface; what can be made ready for all runs is."""
    from purpose_agent.sandbox import landlock, seccomp

    seccomp.program(os.uname().machine, 1, own_tree=policy["level"] == "strong")
    _rehearse(seccomp.install_thread_gate)
    version = landlock.abi()
    if version < 1:
        raise LockdownError("this kernel has no Landlock (Linux 5.13 has it), or it is switched off")
    return version


if __name__ == "__main__":
    main()
