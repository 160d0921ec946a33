"""A small world for the strong level: own processes, network, memory shares, names and mounts, with nothing in it but Python.

In:  what may be read, as paths.
Out: this process in that world: what may be read stands there read-only at its own path, `SCRATCH` waits for a folder in memory.

All of it is made inside a user namespace (user_namespaces(7)), so no privilege of the user's is needed, and none is used. Standard
library only: it runs where this package can't be imported.
"""

import ctypes
import os
from collections.abc import Mapping, Sequence

from purpose_agent.sandbox.syscalls import LockdownError, numbers

NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x20000,
    0x2000000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
NOSUID, NODEV, NOEXEC, BIND, REC, PRIVATE, DETACH = 2, 4, 8, 4096, 16384, 1 << 18, 2
ATTR_RDONLY, ATTR_NOSUID = 1, 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
SCRATCH = "/scratch"
BASES = ("/mnt", "/media", "/srv", "/tmp", "/var/tmp", "/opt", "/home", "/run", "/var")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
HIDDEN = ("site-packages", "dist-packages")
"""Folders inside of the library's that are not the library's."""

_libc = ctypes.CDLL(None, use_errno=True)


def _called(step: str, result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise LockdownError(f"{step}: {os.strerror(number)}")


def unshare(step: str, flags: int) -> None:
    """Leave the namespaces that `flags` name.

    Raises:
        LockdownError: The kernel, or this machine's policy, does not allow it.
    """
    _called(step, _libc.unshare(flags))


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Attach a file system to a folder.

    Raises:
        LockdownError: It failed.
    """
    encoded = (source.encode(), target.encode(), kind.encode() if kind is not None else None)
    _called(f"mount {target}", _libc.mount(*encoded, ctypes.c_ulong(flags), options.encode() or None))


def enter() -> None:
    """New namespaces, this user as their root. Whoever is forked next is the first process in there."""
    uid, gid = os.geteuid(), os.getegid()
    unshare("user namespace", NEWUSER | NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS | NEWCGROUP)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        try:
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
        except OSError as error:
            raise LockdownError(f"user namespace: {name}: {error.strerror}") from error


def own(links: Mapping[str, str], outside: Mapping[str, str]) -> list[str]:
    """Those that are others than outside."""
    return [name for name, link in links.items() if link != outside[name]]


def links() -> dict[str, str]:
    """The namespaces of this process, by what each is called."""
    names = {"user": "user", "pid": "pid", "network": "net", "ipc": "ipc", "mount": "mnt"}
    return {f"{name}-namespace": os.readlink(f"/proc/self/ns/{file}") for name, file in names.items()}


def build(readable: Sequence[str]) -> None:
    """Make the small world, and move in; nothing of the old one can be reached afterwards.

    Raises:
        LockdownError: A step failed, or something that should be readable would not be.
    """
    mount("none", "/", None, REC | PRIVATE)
    there = [path for path in (*readable, *DEVICES) if os.path.exists(path)]
    base = _base(there)
    mount("tmpfs", base, "tmpfs", NOSUID | NODEV, "size=4m,nr_inodes=4096,mode=755")
    wanted = (*readable, *DEVICES)
    for place in sorted({*wanted, *map(os.path.realpath, wanted)}, key=len):  # a folder before what lies in it
        _bind(place, base)
    for path in readable:
        for name in HIDDEN:
            inside = base + os.path.join(path, name)
            if os.path.isdir(inside) and os.path.join(path, name) not in readable:
                mount("tmpfs", inside, "tmpfs", NOSUID | NODEV, "size=4k,nr_inodes=64,mode=755")
                for other in readable:
                    if other.startswith(os.path.join(path, name) + os.sep):
                        _bind(other, base)
    os.makedirs(base + SCRATCH, mode=0o700)
    _lock(base)
    if missing := [path for path in there if not os.path.exists(base + path)]:
        raise LockdownError(f"the small root: {missing[0]} could not be shown in it")
    os.chdir(base)
    table = numbers(os.uname().machine)
    _called("pivot_root", _libc.syscall(ctypes.c_long(table["pivot_root"]), b".", b"."))
    _called("leaving the old root", _libc.umount2(b".", DETACH))
    os.chdir("/")
    _libc.sethostname(b"sandbox", 7)


def scratch(size_mb: int, files: int) -> None:
    """A folder in memory, for this process and those it starts, gone with the last of them.

    Raises:
        LockdownError: It could not be made.
    """
    unshare("mount namespace", NEWNS)
    mount("tmpfs", SCRATCH, "tmpfs", NOSUID | NODEV | NOEXEC, f"size={size_mb}m,nr_inodes={files},mode=700")


def _base(there: Sequence[str]) -> str:
    """A folder to build on: what is mounted over it must hide nothing that is to be shown."""
    needed = [os.path.realpath(path) for path in there]
    for place in BASES:
        if os.path.isdir(place) and not any(path == place or path.startswith(place + os.sep) for path in needed):
            return place
    raise LockdownError(f"the small root: there is no folder to build it on, of {', '.join(BASES)}")


def _bind(path: str, base: str) -> None:
    """Let `path` be seen at `base`, unless a folder above it already is."""
    target = base + path
    if os.path.exists(target) or not os.path.exists(path):
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o644))
    mount(path, target, None, BIND | REC)


def _lock(base: str) -> None:
    """All of it read-only, without devices and set-uid; device files of our own stay usable as they are no device of that mount."""

    class Attributes(ctypes.Structure):
        _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns"))

    table = numbers(os.uname().machine)
    wanted = Attributes(ATTR_RDONLY | ATTR_NOSUID, 0, 0, 0)
    _called(
        "read-only root",
        _libc.syscall(
            ctypes.c_long(table["mount_setattr"]),
            ctypes.c_int(AT_FDCWD),
            base.encode(),
            ctypes.c_uint(AT_RECURSIVE),
            ctypes.byref(wanted),
            ctypes.c_size_t(ctypes.sizeof(wanted)),
        ),
    )
