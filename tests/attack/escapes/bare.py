"""What naive products do: a child process, a timeout, and trust.

It is here to show that the attacks are real. Everything is inherited, one folder serves all executions, a result is a line of
JSON on stdout, and exit code 0 means well done.
"""

import contextlib
import fcntl
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from purpose_agent.core.ports import CodeLimits, CodeResult, CodeStatus

LEVEL = "bare"
RESULT = "import json\ndef result(value): print(json.dumps({'result': value}), flush=True)\n"
PATIENCE = 2.5
"""Seconds after the polite end. A naive product has none of them, and waits for ever; a test can't."""


class BareRunner:
    """Implements `core.ports.CodeRunner` as one would in five minutes.

    Args:
        uid: Whom the child runs as; None: us.
    """

    def __init__(self, uid: int | None = None) -> None:
        self.uid = uid
        self.folder = Path(tempfile.mkdtemp(prefix="bare-"))
        if uid is not None:
            os.chown(self.folder, uid, uid)

    async def run(
        self,
        code: str,
        *,
        limits: CodeLimits | None = None,
        files: Mapping[str, bytes] | None = None,
        results: Sequence[str] = (),
        second: str | None = None,
    ) -> CodeResult:
        """Run `code` in a child that has all we have. It knows no second process, and takes `results` for names."""
        import anyio.to_thread

        if second is not None:
            raise NotImplementedError("The bare child has no second process; ask `passes`.")
        return await anyio.to_thread.run_sync(self._run, RESULT + code, limits or CodeLimits(), files or {}, tuple(results))

    async def passes(self, code: str, claims: str, limits: CodeLimits) -> bool:
        """The naive judgement: code and assertions in one file, exit code 0."""
        return (await self.run(f"{code}\n{claims}\n", limits=limits)).status == "ok"

    def close(self) -> None:
        """Remove the folder, and what guards its files."""
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
            elif path.is_file() and not path.is_symlink():
                _allow_removal(path)
        # Not shutil: what attacks leave may be deeper than a path can say.
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)

    def _run(self, code: str, limits: CodeLimits, files: Mapping[str, bytes], results: tuple[str, ...]) -> CodeResult:
        for name, data in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(data)
        who: dict[str, Any] = {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}
        begun = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            close_fds=False,
            text=True,
            **who,
        ) as process:
            status, stdout, stderr = _wait(process, limits.seconds)
        seconds = time.monotonic() - begun
        return CodeResult(status, stdout, stderr, LEVEL, (), seconds, value=_value(stdout), files=self._files(results))

    def _files(self, names: tuple[str, ...]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name in names:
            if (self.folder / name).exists():
                found[name] = _read(self.folder / name)
        return found


def _wait(process: "subprocess.Popen[str]", seconds: float) -> tuple[CodeStatus, str, str]:
    try:
        stdout, stderr = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            stdout, stderr = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
            process.wait()
            stdout = stderr = ""
        return "timeout", stdout, stderr
    return ("ok" if process.returncode == 0 else "error"), stdout, stderr


def _value(stdout: str) -> str | None:
    for line in reversed(stdout.splitlines()):
        if line.startswith('{"result": '):
            return json.dumps(json.loads(line)["result"])
    return None


def _read(path: Path) -> bytes:
    """The file's bytes; raises TimeoutError for one that has no end or no writer."""
    found: list[bytes | Exception] = []

    def work() -> None:
        try:
            found.append(path.read_bytes())
        except (OSError, MemoryError) as error:
            found.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():  # it waits for somebody to write: we pretend to
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        thread.join(PATIENCE)
        raise TimeoutError(f"reading {path.name} did not end")
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def _allow_removal(path: Path) -> None:
    """Take away "immutable", which stops even root."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        flags = struct.unpack("l", fcntl.ioctl(file, 0x80086601, b"\0" * 8))[0]
        if flags & 0x10:
            fcntl.ioctl(file, 0x40086602, struct.pack("l", flags & ~0x10))
