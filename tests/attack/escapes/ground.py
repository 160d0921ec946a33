"""The ground on which one attack takes place: canaries on the host, fresh each time, and what became of them.

Everything here belongs to the user who runs the code: what that user may do is what a process-only child can do.
"""

import base64
import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import shutil
import signal
import site
import sysconfig
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from string import Template
from types import FrameType, TracebackType
from typing import Self

from purpose_agent.core.ports import CodeResult
from tests.attack.escapes.listeners import Listeners
from tests.attack.escapes.shared import Shared
from tests.attack.escapes.victim import Victim
from tests.attack.escapes.watch import Watcher

SECRETS = (
    "file", "name", "link", "attribute", "neighbour", "environment", "descriptor", "host memory", "fifo", "service", "shared",
    "event", "victim memory", "victim environment", "victim descriptor", "victim argument", "victim name", "imported",
)  # fmt: skip
SERVICE = "CANARY_TOKEN"


class Ground:
    """Use as a context manager, once for each attack.

    Args:
        uid: Whose the canaries are; None: ours. Another than ours needs root.
        confined: Something stands between the code and the host, so that `$everyone` may be everyone.
        seconds: What one execution may take.
    """

    def __init__(self, *, uid: int | None = None, confined: bool = False, seconds: float = 1.5) -> None:
        self.uid, self.confined, self.seconds = uid, confined, seconds
        self._told = False
        self.token = f"cny{secrets.token_hex(5)}"
        # So that code can search for one, as one searches for "sk-…".
        self.secrets = {name: f"canary-{secrets.token_hex(12)}" for name in SECRETS}
        self.secrets["victim name"] = f"cv{secrets.token_hex(6)}"  # the kernel keeps fifteen letters
        self._undo = contextlib.ExitStack()
        self._signals: list[int] = []
        self._locked = False
        self._end = threading.Event()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self.root = Path(tempfile.mkdtemp(prefix="ground-"))
            self._drop = self.root.with_name(f"{self.root.name}-drop")
            undo.callback(self._remove_folder)
            self._lay_files()
            self._open_descriptors(undo)
            self.victim = Victim(
                {kind: self.secrets[f"victim {kind}"] for kind in ("memory", "environment", "descriptor", "argument", "name")},
                self.uid,
            )
            undo.callback(self.victim.close)
            self.listeners = Listeners(str(self.root / "open"), self.token, self.secrets["service"].encode(), self.uid)
            self._belong_to_user()
            self.listeners.start()
            undo.callback(self.listeners.stop)
            self.shared = Shared(self.token, self.secrets["shared"].encode())
            undo.callback(self.shared.close)
            self._memory = ctypes.create_string_buffer(self.secrets["host memory"].encode())
            self._take_signals(undo)
            os.environ[SERVICE] = self.secrets["environment"]
            undo.callback(os.environ.pop, SERVICE, None)
            self.watcher = Watcher(self.token)
            self.watcher.start()
            undo.callback(self._sweep)
            undo.callback(self.watcher.end_all)
            undo.callback(self.watcher.stop)
            # After all else: what was made by ourselves is not a change.
            self._before = self._snapshot()
            events = threading.Thread(target=self._make_events, daemon=True)
            events.start()
            undo.callback(events.join)
            undo.callback(self._end.set)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None) -> None:
        self._undo.close()

    def fill(self, template: str) -> str:
        """The attack's text, with the names of this ground."""
        text = Template(template).substitute(self.names())
        self._told = self._told or self.root.name in text  # then an error may say it again
        return text

    def names(self) -> dict[str, str]:
        home = self.root / "home"
        return {
            "token": self.token,
            "mark": self.token,
            "backwards": self.token[::-1],
            "secret_file": str(home / "id_canary"),
            "secret_folder": str(home),
            "secret_module": "settings_canary",
            "secret_link": str(home / "link"),
            "open": str(self.root / "open"),
            "keep": str(self.root / "open" / "keep"),
            "other": str(self.root / "open" / "other"),
            "deep": str(self.root / "open" / "deep"),
            "mount_point": str(self.root / "open" / "empty"),
            "neighbour": str(self.root / "neighbour"),
            "events": str(self.root / "events"),
            "fifo": str(self.root / "open" / "fifo"),
            "lock": str(self.root / "open" / "lock"),
            "grounds": str(self.root.parent),
            "drop": str(self._drop),
            "host": str(os.getpid()),
            "host_address": str(ctypes.addressof(self._memory)),
            "host_file": str(self._descriptor),
            "victim": str(self.victim.pid),
            "victim_address": str(self.victim.address),
            "victim_file": str(self.victim.file),
            "everyone": "-1" if self.confined else str(self.victim.pid),
            # On the bare child our parent is the very test: it is given a signal that hurts nobody.
            "parent_signal": str(int(signal.SIGKILL if self.confined else signal.SIGURG)),
            **self.listeners.names(),
            **self.shared.names(),
        }

    def leaks(self, *results: CodeResult) -> str:
        """Which secrets are in what came back, in one of a few disguises."""
        text = b"\0".join(_all_of(result) for result in results)
        found = [name for name, secret in self.secrets.items() if any(form in text for form in _forms(secret))]
        if self.token.encode() + b".sock" in text:
            found.append("the socket's name")
        if f"port={self.listeners.hidden_port};".encode() in text:
            found.append("the hidden port")
        if f"size={self._size};".encode() in text:
            found.append("the size of a file")
        if not self._told and self.root.name.encode() in text:
            found.append("the ground's own name")
        return f"leaked: {', '.join(found)}" if found else ""

    def changes(self) -> str:
        """What is not as it was, in files and shared memory."""
        after = self._snapshot()
        paths = [path for path in {**self._before, **after} if self._before.get(path) != after.get(path)]
        found = [f"changed: {os.path.relpath(path, self.root)}" for path in sorted(paths)]
        found += [f"a mount at {path}" for path in [self.root / "open" / "empty"] if os.path.ismount(path)]
        found += [words for words in [self.shared.changes()] if words]
        found += [f"made: {path}" for path in self._traces()]
        with contextlib.suppress(BlockingIOError):
            if os.read(self._fifo, 1000) != self.secrets["fifo"].encode():
                found.append("written to the fifo")
        return "; ".join(found)

    def contacts(self) -> str:
        return f"spoke to: {', '.join(sorted(set(self.listeners.notes)))}" if self.listeners.notes else ""

    def hurts(self) -> str:
        """What was done to this process: a signal, or a lock it waits for."""
        found = [f"a signal {number} reached the host" for number in self._signals[:1]]
        return "; ".join([*found, *(["the host's lock was held"] if self._locked else [])])

    def _lay_files(self) -> None:
        self.root.chmod(0o755)
        for name in ("home", "open", "open/deep", "open/empty", "neighbour", "events"):
            (self.root / name).mkdir()
        home = self.root / "home"
        self._size = 10_000_000 + secrets.randbelow(80_000_000)
        texts = {
            "home/id_canary": self.secrets["file"] + "\n",
            f"home/{self.secrets['name']}": "",
            "home/settings_canary.py": f"TOKEN = {self.secrets['imported']!r}\n",
            "open/keep": secrets.token_hex(50),
            "open/other": secrets.token_hex(50),
            "open/deep/file": "deep",
            "open/lock": "",
            "neighbour/answer": self.secrets["neighbour"],
        }
        for name, text in texts.items():
            (self.root / name).write_text(text)
        (home / "link").symlink_to(self.secrets["link"])
        (home / "large").touch()
        os.truncate(home / "large", self._size)
        os.setxattr(home / "id_canary", "user.canary", self.secrets["attribute"].encode())
        os.mkfifo(self.root / "open" / "fifo")

    def _open_descriptors(self, undo: contextlib.ExitStack) -> None:
        self._fifo = os.open(self.root / "open" / "fifo", os.O_RDWR | os.O_NONBLOCK)
        undo.callback(os.close, self._fifo)
        os.write(self._fifo, self.secrets["fifo"].encode())
        path = self.root / "gone"
        path.write_text(self.secrets["descriptor"])
        self._descriptor = os.open(path, os.O_RDWR)
        undo.callback(os.close, self._descriptor)
        os.set_inheritable(self._descriptor, True)
        path.unlink()

    def _belong_to_user(self) -> None:
        if self.uid is not None:
            for path in (self.root, *self.root.rglob("*")):
                os.chown(path, self.uid, self.uid, follow_symlinks=False)

    def _take_signals(self, undo: contextlib.ExitStack) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGURG, signal.SIGIO):
                undo.callback(signal.signal, number, signal.signal(number, self._note_signal))

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals.append(number)

    def _make_events(self) -> None:
        """Names that come and go in a folder of the host, and a lock that the host takes now and then."""
        lock = os.open(self.root / "open" / "lock", os.O_RDWR)
        try:
            while not self._end.wait(0.05):
                path = self.root / "events" / self.secrets["event"]
                path.touch()
                path.unlink()
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    fcntl.flock(lock, fcntl.LOCK_UN)
                except BlockingIOError:
                    self._locked = True
        finally:
            os.close(lock)

    def _snapshot(self) -> dict[str, object]:
        folders = (self.root, *(self.root / name for name in ("home", "open", "neighbour")))
        ours = {
            self.root / "events",
            self.root / "events" / self.secrets["event"],
        }  # comes and goes by itself, see `_make_events`
        return {str(path): _about(path) for folder in folders for path in (folder, *folder.rglob("*")) if path not in ours}

    def _traces(self) -> list[Path]:
        """Files with the token in their name, where Python or everyone would come across them."""
        folders = {
            sysconfig.get_path("stdlib"),
            sysconfig.get_path("purelib"),
            site.getusersitepackages(),
            tempfile.gettempdir(),
        }
        found = [path for folder in folders if os.access(folder, os.R_OK) for path in Path(folder).glob(f"*{self.token}*")]
        found += [path for path in Path("/dev/shm").glob(f"*{self.token}?*")]
        return [*found, *([self._drop] if self._drop.exists() else [])]

    def _sweep(self) -> None:
        for path in self._traces():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _remove_folder(self) -> None:
        libc = ctypes.CDLL(None)
        libc.umount2(str(self.root / "open" / "empty").encode(), 2)
        for _ in range(3):  # a process that is just ending may still write
            shutil.rmtree(self.root, ignore_errors=True)
            if not self.root.exists():
                return
            time.sleep(0.05)


def _about(path: Path) -> object:
    try:
        about = path.lstat()
        data = path.read_bytes() if path.is_file() and not path.is_symlink() and about.st_size < 10**6 else b""
    except OSError as error:
        return str(error)
    return about.st_ino, about.st_mode, about.st_uid, about.st_size, about.st_nlink, about.st_mtime_ns, about.st_ctime_ns, data


def _all_of(result: CodeResult) -> bytes:
    files: Mapping[str, bytes] = result.files
    names = " ".join(files).encode(errors="surrogateescape")
    value = result.value or ""
    with contextlib.suppress(ValueError, RecursionError):
        value += str(json.loads(value)) if value else ""
    texts = "\0".join((result.stdout, result.stderr, value)).encode(errors="replace")
    return b"\0".join((texts, names, *files.values()))


def _forms(secret: str) -> tuple[bytes, ...]:
    data = secret.encode()
    return data, data[::-1], data.hex().encode(), base64.b64encode(data).rstrip(b"=")[:-1]
