"""A process of the same user that has nothing to do with the code: it has secrets, and feels what is done to it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = """
import ctypes, json, os, signal, sys
secrets = json.loads(sys.stdin.readline())
buffer = ctypes.create_string_buffer(secrets["memory"].encode())
file = os.memfd_create("victim", 0)
os.write(file, secrets["descriptor"].encode())
signals = []
for number in (*range(1, 32), 34, 35, 36):
    if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV, signal.SIGCONT):
        signal.signal(number, lambda number, frame: signals.append(number))
libc = ctypes.CDLL(None)
libc.prctl(15, secrets["name"].encode(), 0, 0, 0)
if os.geteuid() == 0:
    libc.unshare(0x04000000)  # a UTS namespace of its own, for others to enter
print(json.dumps({"address": ctypes.addressof(buffer), "file": file}), flush=True)
for line in sys.stdin:
    print(json.dumps({"signals": signals, "memory": buffer.raw.decode(errors="replace")}), flush=True)
"""


class Victim:
    """Starts at once; `disturbance` tells what was done to it since."""

    def __init__(self, secrets: dict[str, str], uid: int | None) -> None:
        self.memory = secrets["memory"]
        options: dict[str, Any] = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", SCRIPT, secrets["argument"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath, "VICTIM_TOKEN": secrets["environment"]},
            start_new_session=True,
            **options,
        )
        self._say(json.dumps(secrets))
        told = json.loads(self._hear())
        self.pid, self.address, self.file = self.process.pid, int(told["address"]), int(told["file"])
        self._before = self._state()

    def disturbance(self) -> str:
        """What happened to it, in words; "" if nothing did."""
        if self.process.poll() is not None:
            return f"the victim died: {self.process.returncode}"
        if self._letter() in "Tt":
            return "the victim was stopped"
        self._say("?")
        told = json.loads(self._hear())
        if told["signals"]:
            return f"the victim got signals {told['signals']}"
        if told["memory"].rstrip("\0") != self.memory:
            return "the victim's memory was changed"
        after = self._state()
        return "".join(f"the victim's {name} was changed; " for name in after if after[name] != self._before[name])

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def _state(self) -> dict[str, object]:
        return {
            "priority": os.getpriority(os.PRIO_PROCESS, self.pid),
            "processors": os.sched_getaffinity(self.pid),
            "policy": os.sched_getscheduler(self.pid),
            "limits": Path(f"/proc/{self.pid}/limits").read_text(),
            "oom score": Path(f"/proc/{self.pid}/oom_score_adj").read_text(),
            "process group": os.getpgid(self.pid),
            "disk priority": _disk_priority(self.pid),
        }

    def _letter(self) -> str:
        return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

    def _say(self, line: str) -> None:
        if self.process.stdin is None:
            raise RuntimeError("Popen gave no pipes")
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def _hear(self) -> bytes:
        if self.process.stdout is None:
            raise RuntimeError("Popen gave no pipes")
        return self.process.stdout.readline()


def _disk_priority(pid: int) -> int:
    import ctypes
    import platform

    number = {"x86_64": 252, "aarch64": 31}.get(platform.machine())
    return -1 if number is None else int(ctypes.CDLL(None).syscall(number, 1, pid))
