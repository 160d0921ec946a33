"""What processes of one user share without a file: memory, queues, keys. Each holds a secret of the host."""

import contextlib
import ctypes
import os
import platform
import secrets
from pathlib import Path
from typing import Any

CREATE, REMOVE = 0o1000, 0
ADD_KEY, KEYCTL = 248, 250
USER_KEYRING = -4


class Shared:
    """A SysV segment and queue, a POSIX segment and queue, and a key; removed at `close`."""

    def __init__(self, token: str, secret: bytes) -> None:
        self._libc: Any = ctypes.CDLL(None, use_errno=True)
        self._libc.shmat.restype = ctypes.c_void_p
        self.secret = secret
        self.number = secrets.randbelow(2**30) + 1
        self.segment = int(self._libc.shmget(self.number, 4096, CREATE | 0o666))
        self._address = self._libc.shmat(self.segment, None, 0)
        ctypes.memmove(self._address, secret + b"\0", len(secret) + 1)
        self.queue = int(self._libc.msgget(self.number, CREATE | 0o666))
        self._libc.msgsnd(self.queue, ctypes.c_long(1).value.to_bytes(8, "little") + secret, len(secret), 0)
        self.memory_path, self.queue_name, self.key_name = Path(f"/dev/shm/{token}"), f"/{token}", f"key-{token}"
        self.memory_path.write_bytes(secret)
        self.memory_path.chmod(0o666)
        self._posix = int(self._libc.mq_open(self.queue_name.encode(), os.O_CREAT | os.O_RDWR, 0o666, None))
        if self._posix >= 0:
            os.fchmod(self._posix, 0o666)
            self._libc.mq_send(self._posix, secret, len(secret), 0)
        self._key = -1
        if platform.machine() == "x86_64":
            data = self.key_name.encode()
            self._key = int(self._libc.syscall(ADD_KEY, b"user", data, secret, len(secret), USER_KEYRING))
            self._libc.syscall(KEYCTL, 5, self._key, 0x3F3F3F3F)  # anyone may do anything with it

    def names(self) -> dict[str, str]:
        return {
            "shared_number": str(self.number),
            "shared_path": str(self.memory_path),
            "queue_name": self.queue_name,
            "key_name": self.key_name,
        }

    def changes(self) -> str:
        """Which of them is not as it was."""
        found: list[str] = []
        if ctypes.string_at(self._address, len(self.secret)) != self.secret:
            found.append("the SysV segment")
        if self.memory_path.read_bytes() != self.secret if self.memory_path.exists() else True:
            found.append("the POSIX segment")
        waiting = _messages(self._libc, self.queue)
        if waiting != 1:
            found.append(f"the SysV queue ({waiting} messages)")
        return ", ".join(found)

    def close(self) -> None:
        self._libc.shmdt(ctypes.c_void_p(self._address))
        self._libc.shmctl(self.segment, REMOVE, None)
        self._libc.msgctl(self.queue, REMOVE, None)
        with contextlib.suppress(FileNotFoundError):
            self.memory_path.unlink()
        if self._posix >= 0:
            os.close(self._posix)
            self._libc.mq_unlink(self.queue_name.encode())
        if self._key >= 0:
            left = int(self._libc.syscall(KEYCTL, 10, USER_KEYRING, b"user", f"{self.key_name}-next".encode(), 0))
            for key in (self._key, left):
                self._libc.syscall(KEYCTL, 9, key, USER_KEYRING)  # unlinked, and so gone


def _messages(libc: Any, queue: int) -> int:
    """How many messages wait in a SysV queue, out of the kernel's own list; -1 if the queue is gone."""
    with open("/proc/sysvipc/msg", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            words = line.split()
            if int(words[1]) == queue:
                return int(words[4])
    return -1
