"""Runs kept as files of lines: one a run, readable by anything that reads JSON, and by `Trace.from_jsonl`.

In:  events.
Out: traces.

A batch is all there or not at all: the line that ends it is the only one without "until", which names the number the batch
goes to. Whatever comes after the last such line is the rest of a write that was cut off; it is left out when the file is
read, and cut away before the next write.

What `append` has returned from survives the death of the process. A power cut may take the last batches, as it may with the
SQLite file, unless `fsync` is on. The lock is `flock`: it holds between processes of one machine, and over NFS only where
that is mounted with locks.
"""

import fcntl
import json
import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final

from purpose_agent.core.errors import UsageError, WorkspaceError
from purpose_agent.runtime.events import Event
from purpose_agent.runtime.order import check_order, run_of
from purpose_agent.runtime.trace import Trace, event_to_json

_TAIL = 16 * 1024
_MOST_NAME_BYTES: Final = 200
_PLAIN = re.compile(rb"[a-z0-9_-]")
_UNTIL = re.compile(rb', "until": \d+\}$')


class JsonlCheckpointer:
    """Keeps each run in a file of its own. Threads and processes may share a folder.

    Args:
        folder: Made by the first `append`.
        fsync: `append` waits until the disk has it, which takes milliseconds.
    """

    def __init__(self, folder: str | Path, *, fsync: bool = False) -> None:
        self._folder = Path(folder)
        self._fsync = fsync

    def append(self, events: Sequence[Event]) -> None:
        if not events:
            return
        run_id = run_of(events)
        path = self._folder / file_name(run_id)
        data = _batch(events)
        begins = events[0].seq == 1
        with _words(path):
            if begins:
                self._folder.mkdir(parents=True, exist_ok=True)
            try:
                with _locked(path, os.O_RDWR | (os.O_CREAT if begins else 0), fcntl.LOCK_EX) as file:
                    end, last = _kept(file)
                    check_order(events, last=last)
                    _write(file, data, at=end, fsync=self._fsync)
            except FileNotFoundError:
                check_order(events, last=0)  # refuses what doesn't begin the run
                raise
            if self._fsync and begins:
                _sync_folder(self._folder)

    def load(self, run_id: str) -> Trace | None:
        path = self._folder / file_name(run_id)
        with _words(path):
            try:
                with _locked(path, os.O_RDONLY, fcntl.LOCK_SH) as file:
                    end, _ = _kept(file)
                    data = _read(file, 0, end)
            except FileNotFoundError:
                return None
        if not data:
            return None
        try:
            trace = Trace.from_jsonl(data)
        except WorkspaceError as error:
            raise WorkspaceError(f"{path}: {error}") from error
        lines, last = len(trace.events) + trace.left_out, trace.events[-1].seq
        if last > lines:
            raise WorkspaceError(
                f"{path} lacks lines: it holds {lines}, and its last event has number {last}. What is missing can't be known; put a"
                " backup in its place."
            )
        if trace.run_id != run_id:
            raise WorkspaceError(f"{path} should hold {run_id!r} and holds {trace.run_id!r}; give the file its name back.")
        return trace

    def runs(self) -> Sequence[str]:
        if not self._folder.exists():
            return ()
        with _words(self._folder):
            names = [entry.name for entry in os.scandir(self._folder) if entry.is_file(follow_symlinks=False)]
        ids = (run_id_of(name) for name in names)
        return sorted((run_id for run_id in ids if run_id is not None and self._has_events(run_id)), reverse=True)

    def _has_events(self, run_id: str) -> bool:
        """False for a file whose first write was cut off."""
        path = self._folder / file_name(run_id)
        with _words(path):
            try:
                with _locked(path, os.O_RDONLY, fcntl.LOCK_SH) as file:
                    return _kept(file)[0] > 0
            except FileNotFoundError:
                return False  # removed since it was listed


@lru_cache(maxsize=1024)
def file_name(run_id: str) -> str:
    """The name of a run's file: small letters, digits, "_" and "-" as they are, all else as the bytes' numbers, such as "%2f".

    Two ids never get one name, also where files' names are alike in small and big letters.

    Raises:
        UsageError: It is empty, too long, or holds what UTF-8 can't.
    """
    try:
        plain = run_id.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"The id {run_id!r} of a run holds what UTF-8 can't; choose another one.") from error
    name = "".join(chr(byte) if _PLAIN.match(bytes((byte,))) else f"%{byte:02x}" for byte in plain)
    if not 0 < len(name) <= _MOST_NAME_BYTES:
        raise UsageError(f"A run's id has 1 to {_MOST_NAME_BYTES} letters where it names a file; this one has {len(name)}.")
    return f"{name}.jsonl"


def run_id_of(name: str) -> str | None:
    """The inverse of `file_name`; None for a file that is none of ours."""
    try:
        text = re.sub(rb"%([0-9a-f]{2})", lambda found: bytes((int(found[1], 16),)), name.removesuffix(".jsonl").encode())
        run_id = text.decode()
        return run_id if file_name(run_id) == name else None
    except (UnicodeError, UsageError):
        return None


def _batch(events: Sequence[Event]) -> bytes:
    """Their lines; all but the last one say up to which number the batch goes."""
    *firsts, last = [event_to_json(event) for event in events]
    lines = [f'{line[:-1]}, "until": {events[-1].seq}}}' for line in firsts]
    return "".join(f"{line}\n" for line in (*lines, last)).encode()


def _kept(file: int) -> tuple[int, int]:
    """Where the last whole batch ends, and the number of its last event; (0, 0) if there is none."""
    size = os.fstat(file).st_size
    tail = _TAIL
    while True:
        start = max(0, size - tail)
        data = _read(file, start, size)
        end = data.rfind(b"\n") + 1
        while end > 0:
            begin = data.rfind(b"\n", 0, end - 1) + 1
            if begin == 0 and start > 0:
                break  # the line may begin before what was read
            line = data[begin : end - 1]
            if not _UNTIL.search(line):
                return start + end, _number(line)
            end = begin
        if start == 0:
            return 0, 0
        tail *= 8


def _number(line: bytes) -> int:
    try:
        return int(json.loads(line)["seq"])
    except (ValueError, TypeError, LookupError) as error:
        raise WorkspaceError(
            f"The last line is no event ({error}). Nothing was changed; restore the file, or move it away."
        ) from error


def _read(file: int, start: int, end: int) -> bytes:
    pieces: list[bytes] = []
    while start < end and (piece := os.pread(file, end - start, start)):
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)


def _write(file: int, data: bytes, *, at: int, fsync: bool) -> None:
    """Put `data` there and cut away whatever else there was; on any trouble the file ends at `at`."""
    if os.fstat(file).st_size > at:
        os.ftruncate(file, at)
    try:
        done = 0
        while done < len(data):
            done += os.pwrite(file, data[done:], at + done)
        if fsync:
            os.fsync(file)
    except BaseException:
        os.ftruncate(file, at)
        raise


def _sync_folder(folder: Path) -> None:
    """A new file's name is on the disk only then."""
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _locked(path: Path, flags: int, lock: int) -> Generator[int]:
    """The open file, alone or together with other readers. A link is not followed: it may lead out of the folder."""
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(file, lock)
        yield file
    finally:
        os.close(file)


@contextmanager
def _words(path: Path) -> Generator[None]:
    """The operating system's troubles with a file in words."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"{path} can't be read or written ({error.strerror}); nothing was half-written. Free some space, check the permissions of its "
            "folder, or choose another one."
        ) from error
