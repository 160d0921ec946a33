"""For those who have Bubblewrap and want it: a fresh Python in a world of its own for each execution, made by `bwrap`.

In:  code, limits, files.
Out: a `CodeResult` of the level "bubblewrap".

Holds: own user, pid, network, ipc, uts and mount namespaces, a read-only root with nothing but Python and the packages, one folder in
memory of limited size, no capabilities, no further user namespaces; the limits and the watching are those of "process-only", inside.

Does not hold, and "strong" does: no system call is refused; the code can start processes, up to the limit; the supervisor sits in the
same world as the code, which can end it and speak in its place, so an outcome is worth no more than the code's own word. Therefore there
is no second process. The number of files is limited in the code's folder only. It starts Python anew: some tenths of a second.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence

from purpose_agent.core.errors import SandboxUnavailable, UsageError
from purpose_agent.core.ports import CodeLimits, CodeResult
from purpose_agent.sandbox import frames, namespaces, pool
from purpose_agent.sandbox.jobs import exchange, job_of, result_of, shielded
from purpose_agent.sandbox.levels import library, readable
from purpose_agent.sandbox.namespaces import DEVICES, HIDDEN, SCRATCH

LEVEL = "bubblewrap"
END_SECONDS = 5.0
OURS = "/sandbox"
SCRIPT = f"""
import json, socket, sys
sys.path.insert(0, {OURS!r})
import zygote
del sys.path[0]
from purpose_agent.sandbox import frames, namespaces, supervisor
policy = json.loads(sys.argv[1])
sys.path.extend(policy["sites"])
line = socket.socket(fileno=int(sys.argv[2]))
frames.send(line, namespaces.links())
supervisor.supervise(line, policy, ((), ()))
"""


class Bubblewrap:
    """Runs code in a world made by `bwrap`; implements `core.ports.CodeRunner`.

    Args:
        packages: What the code may import besides the standard library.
        limits: For executions that bring none of their own.

    Raises:
        SandboxUnavailable: There is no `bwrap` on this machine.
    """

    def __init__(self, *, packages: Sequence[str] = (), limits: CodeLimits | None = None) -> None:
        found = shutil.which("bwrap")
        if found is None:
            raise SandboxUnavailable(
                "There is no bwrap on this machine. Install Bubblewrap 0.8 or newer (Debian: apt install bubblewrap), or take"
                " Sandbox(), which needs nothing installed."
            )
        self.bwrap, self.packages, self.limits = found, tuple(packages), limits or CodeLimits()

    async def run(
        self,
        code: str,
        *,
        limits: CodeLimits | None = None,
        files: Mapping[str, bytes] | None = None,
        results: Sequence[str] = (),
        second: str | None = None,
    ) -> CodeResult:
        """Run `code` with `files` in its folder, and end everything it started.

        Raises:
            SandboxUnavailable: `bwrap` would not; the code was not run.
            UsageError: A second process was asked for, or a name in `files` leads out of the folder.
        """
        if second is not None:
            raise UsageError("second: Bubblewrap keeps the two processes of a judgement too badly apart; use `Sandbox()`.")
        limits = limits or self.limits
        job = job_of(code, limits, files, results, folder=f"{SCRATCH}/run")
        process, line, inside = await shielded(lambda: self._start(limits), _undo)
        answer = await exchange(line, None, job, lambda: _end(process))
        measures = namespaces.own(inside, namespaces.links())
        if answer and "failed" not in answer:
            answer |= {"tried": (), "enforced": [*answer["enforced"], *measures, "filesystem", "scratch-size"]}
        return result_of(answer, LEVEL)

    def _start(self, limits: CodeLimits) -> tuple["subprocess.Popen[bytes]", socket.socket, dict[str, str]]:
        """The process, a line to the supervisor in there, and the namespaces it is in."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                self._command(limits, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PATH": os.defpath},
                pass_fds=(theirs.fileno(),),
            )
        ours.settimeout(pool.START_SECONDS)
        try:
            inside: dict[str, str] = frames.receive(ours)
        except (OSError, EOFError) as error:
            ours.close()
            process.kill()
            said = process.communicate()[1].decode("utf-8", "replace").strip()
            raise SandboxUnavailable(f"bwrap did not start, so the code was not run: {said or error}") from None
        ours.settimeout(None)
        return process, ours, inside

    def _command(self, limits: CodeLimits, fd: int) -> list[str]:
        read, sites = readable(self.packages)
        python = os.path.realpath(sys.executable)
        here = os.path.dirname(os.path.abspath(__file__))
        hidden = [path for name in HIDDEN if os.path.isdir(path := f"{library()}/{name}")]
        shared = f"{sysconfig.get_config_var('LIBDIR')}/{sysconfig.get_config_var('INSTSONAME')}"
        policy = {"level": "process-only", "sites": sites}
        # /dev would be a folder in memory without a limit; so only its devices.
        return [
            *(self.bwrap, "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
            *("--cap-drop", "ALL", "--clearenv", "--proc", "/proc"),
            *(word for path in DEVICES for word in ("--dev-bind", path, path)),
            *("--ro-bind", library(), library()),
            *(word for path in hidden for word in ("--tmpfs", path)),
            *(word for path in (*read[1:], python) for word in ("--ro-bind", path, path)),
            *("--ro-bind-try", shared, shared, "--ro-bind", here, OURS),
            *("--size", str(limits.scratch_mb * 2**20), "--tmpfs", SCRATCH),
            *(word for path in (*hidden, "/") for word in ("--remount-ro", path)),
            *("--chdir", SCRATCH),
            *("--", python, "-I", "-B", "-S", "-X", "utf8", "-c", SCRIPT, json.dumps(policy), str(fd)),
        ]


def _undo(started: tuple["subprocess.Popen[bytes]", socket.socket, dict[str, str]]) -> None:
    process, line, _ = started
    line.close()
    _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """It ends when its line has; all in its world end with it."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    process.kill()
    process.communicate()
