"""The script of the innermost process: run one piece of code, and say how it went.

In:  the job as JSON on descriptor 4; descriptor 3 for reports.
Out: reports on descriptor 3, each a line of the run's key and JSON: what is in force (`start`), what was handed back
     (`value`), how it ended (`end`). Tracebacks go to stderr, without the frames of this file.

Standard library only: it runs with `-I -S`, where this package can't be imported.
"""

import builtins
import json
import linecache
import os
import resource
import sys
import traceback
from collections.abc import Callable
from types import ModuleType, TracebackType
from typing import Any

REPORT, JOB = 3, 4
NAME = "<code>"


def in_force(job: dict[str, Any]) -> list[str]:
    """The measures that hold in this process, looked up rather than taken for granted."""
    found: list[str] = []
    for name, kind, wanted in job["rlimits"]:
        if resource.getrlimit(kind)[1] == wanted:
            found.append(name)
    if set(os.environ) <= set(job["environment"]) | {"LC_CTYPE"}:  # CPython itself may add LC_CTYPE
        found.append("clean-environment")
    if os.path.realpath(os.getcwd()) == os.path.realpath(job["folder"]):
        found.append("own-folder")
    if os.getsid(0) == os.getpid():
        found.append("own-session")
    try:
        # One more than the three and the report is the descriptor of this very listing.
        if len(os.listdir("/proc/self/fd")) <= 5:
            found.append("closed-descriptors")
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            if "NoNewPrivs:\t1" in status.read():
                found.append("no-new-privileges")
    except OSError:  # no /proc: not known, so not claimed
        pass
    return found


def hidden(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that belongs to the code."""
    while frames is not None and (
        frames.tb_frame.f_code.co_filename == __file__ or "__hide_from_traceback__" in frames.tb_frame.f_globals
    ):
        frames = frames.tb_next
    return frames


def run(job: dict[str, Any], report: Callable[..., None]) -> str:
    """Run the code as `__main__`; "ok", "error" or "memory"."""
    dumps, stderr = json.dumps, sys.stderr

    def result(value: object) -> None:
        """Hand back `value`, which must be JSON. The last call counts."""
        try:
            text = dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"result() takes JSON values (text, numbers, lists, dictionaries, None): {error}") from None
        report(value=text)

    def leave(code: object = None) -> None:
        raise SystemExit(code)

    # `site` is off, and it is `site` that would have given these two.
    for name, function in (("result", result), ("exit", leave), ("quit", leave)):
        setattr(builtins, name, function)
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.path.insert(0, job["folder"])
    code: str = job["code"]
    linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
    try:
        exec(compile(code, NAME, "exec", dont_inherit=True), vars(module))
    except MemoryError as error:
        report(memory=True)
        error.__traceback__ = None
        stderr.write("MemoryError: the code asked for more memory than it may use\n")
        return "memory"
    except SystemExit as error:
        stderr.write(f"SystemExit: the code left before its end, with {error.code!r}\n")
        return "error"
    # BLE001: a door. Whatever the code raises is its outcome, KeyboardInterrupt included.
    except BaseException as error:  # noqa: BLE001
        error.__traceback__ = hidden(error.__traceback__)
        stderr.write("".join(traceback.format_exception(error)))
        return "error"
    return "ok"


def main() -> None:
    """Read the job, run it, report."""
    with open(JOB, "rb") as file:
        job: dict[str, Any] = json.loads(file.read())
    os.set_inheritable(REPORT, False)
    key, dumps, write = job.pop("key"), json.dumps, os.write

    def report(**words: object) -> None:
        line = f"{key} {dumps(words)}\n".encode()
        while line:
            line = line[write(REPORT, line) :]

    report(start=in_force(job))
    end = run(job, report)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    report(end=end)


if __name__ == "__main__":
    main()
