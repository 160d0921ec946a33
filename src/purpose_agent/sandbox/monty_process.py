"""The script between us and one execution in Monty: starts its worker, keeps the output, says how it went.

In:  a line of JSON on stdin: code and limits. Then stdin is a lifeline: when it closes, all ends.
Out: one line of JSON on stdout. The worker has ended before it is written.

A process of its own, because Monty's client is native code that reads what the worker sends: what goes wrong there must not be ours.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import threading
import time
import types
from collections.abc import Mapping
from typing import Any, NoReturn

for _name, _path in (("purpose_agent", []), ("purpose_agent.sandbox", [os.path.dirname(os.path.abspath(__file__))])):
    if _name not in sys.modules:
        sys.modules[_name] = types.ModuleType(_name)
        sys.modules[_name].__path__ = _path

from purpose_agent.sandbox.watching import FLOOD, REPORT_BYTES, Kept  # noqa: E402

MOST_CALLS = 1_000_000
"""How often the code may ask for something from outside, `result` included."""
BESIDES = 1024
"""MiB of address space for the worker's program itself; the code's own memory is limited by the interpreter, exactly."""


class Said:
    """What the code wrote and handed back; the end of it is told once."""

    def __init__(self, limits: Mapping[str, Any]) -> None:
        self.streams = {"stdout": Kept(limits["output_chars"]), "stderr": Kept(limits["output_chars"])}
        self.most = FLOOD * max(limits["output_chars"], 1000)
        self.value: str | None = None
        self.enforced: list[str] = []
        self.worker = 0
        self.began = time.monotonic()
        self._lock = threading.Lock()

    def write(self, stream: str, text: str) -> None:
        """What Monty calls for everything that is printed."""
        kept = self.streams[stream]
        kept.add(text.encode("utf-8", "replace"))
        if kept.count > self.most:
            self.tell("output", "Ended: it wrote far more than it may.")

    def result(self, value: object) -> None:
        """The code's `result`: hand back `value`, which must be JSON. The last call counts."""
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"result() takes JSON values (text, numbers, lists, dictionaries, None): {error}") from None
        if len(text) > REPORT_BYTES:
            self.tell("output", "Ended: it handed back far more than it may.")
        self.value = text

    def tell(self, status: str, note: str = "") -> NoReturn:
        """End the worker, answer, and leave."""
        with self._lock:  # never released: who comes second must not answer again
            seconds = time.monotonic() - self.began
            self.end_worker()
            out, err = self.streams.values()
            answer = {
                "status": status,
                "note": note,
                "stdout": out.text,
                "stderr": err.text,
                "truncated": out.truncated + err.truncated,
                "value": self.value,
                "enforced": self.enforced,
                "seconds": seconds,
            }
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
            os._exit(0)

    def end_worker(self) -> None:
        """Kill it, and take leave of it: nobody else is sure to."""
        if self.worker:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):  # Monty's client may have done so already
                os.kill(self.worker, signal.SIGKILL)
                os.waitpid(self.worker, 0)


def main() -> None:
    """One execution."""
    job: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    limits: dict[str, Any] = job["limits"]
    said = Said(limits)
    threading.Thread(target=_end_with_the_line, args=(said,), daemon=True).start()
    said.enforced += limit(limits)
    run(job["code"], limits, said)


def _end_with_the_line(said: Said) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    said.end_worker()
    os._exit(1)


def limit(limits: Mapping[str, Any]) -> list[str]:
    """Limits of the processes, which the worker inherits; the names of those that hold."""
    wanted = (
        ("", resource.RLIMIT_AS, (limits["memory_mb"] + BESIDES) * 2**20),
        ("cpu-seconds", resource.RLIMIT_CPU, int(limits["seconds"]) + 3),
        ("no-core-dumps", resource.RLIMIT_CORE, 0),
    )
    for _, kind, most in wanted:
        with contextlib.suppress(OSError, ValueError):  # not every system has all of them
            resource.setrlimit(kind, (most, most))
    return [name for name, kind, most in wanted if name and resource.getrlimit(kind)[1] == most]


def run(code: str, limits: Mapping[str, Any], said: Said) -> NoReturn:
    """Run `code` in a worker of its own, and tell how it ended."""
    import pydantic_monty

    most: pydantic_monty.ResourceLimits = {"max_memory": limits["memory_mb"] * 2**20, "max_suspensions": MOST_CALLS}
    patient: pydantic_monty.OSPolicy = {"sleep_system_max": float("inf")}
    with (
        pydantic_monty.Monty(min_processes=1, max_processes=1) as pool,
        pool.checkout(limits=most, os_policy=patient) as session,
    ):
        said.worker = session.worker_pid or 0
        said.enforced += ["interpreter", "interpreter-memory", "wall-time", "output"]
        said.began = time.monotonic()
        # The clock is the whole of the time limit: the interpreter looks at its own only between two steps, and not while it sleeps.
        end = threading.Timer(limits["seconds"], said.tell, ("timeout", f"Ended: it took longer than {limits['seconds']:g} s."))
        end.daemon = True
        end.start()
        try:
            session.feed_run(code, external_lookup={"result": said.result}, print_callback=said.write)
        except pydantic_monty.MontyCrashedError as error:
            said.tell("killed", f"Ended: {error}")
        except (pydantic_monty.MontyRuntimeError, pydantic_monty.MontySyntaxError) as error:
            if isinstance(error.exception(), MemoryError):
                said.write("stderr", "MemoryError: the code asked for more memory than it may use\n")
                said.tell("memory")
            said.write("stderr", error.display().rstrip() + "\n")
            said.tell("error")
        said.tell("ok")


if __name__ == "__main__":
    main()
