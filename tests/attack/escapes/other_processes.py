"""What is done to processes that are not one's own, to the kernel, and to one's own place in the system."""

from tests.attack.escapes.attack import Attack, Judge, Need
from tests.attack.escapes.judges import (
    disturbed,
    held,
    hurt_host,
    moved,
)
from tests.attack.escapes.pieces import CALL, HOLD, MARK, OLD, RING

RAW: tuple[Need, ...] = ("x86-64",)
ROOT: tuple[Need, ...] = ("root",)


def _do(name: str, code: str, seen: Judge, *, needs: tuple[Need, ...] = (), unsafe_on_bare: bool = False) -> Attack:
    return Attack(name, "processes", code, seen, needs=needs, unsafe_on_bare=unsafe_on_bare)


def _hurt(name: str, code: str, *, needs: tuple[Need, ...] = (), unsafe_on_bare: bool = False) -> Attack:
    """Something done to a process of the same user."""
    return _do(name, CALL + code, disturbed, needs=needs, unsafe_on_bare=unsafe_on_bare)


def _become(name: str, code: str, kind: str, *, needs: tuple[Need, ...] = RAW) -> Attack:
    """The process leaves the place it was put in."""
    return _do(
        name,
        f"""
{MARK}{HOLD}{code}
{HOLD}result('done')
""",
        moved(kind),
        needs=needs,
    )


def _hold(name: str, code: str, kind: str, *, needs: tuple[Need, ...] = RAW) -> Attack:
    """A descriptor by which the kernel can be asked for more."""
    return _do(
        name,
        f"""
{MARK}{HOLD}{code}
{HOLD}result('done')
""",
        held(kind),
        needs=needs,
    )


ATTACKS: tuple[Attack, ...] = (
    _hurt("kill", "os.kill($victim, 9)"),
    _hurt("a polite signal", "os.kill($victim, 15)"),
    _hurt("stopping", "os.kill($victim, 19)"),
    _hurt("a signal to a process group", "os.killpg($victim, 12)"),
    _hurt("a signal to everyone", "os.kill($everyone, 23)", unsafe_on_bare=True),
    _hurt("tgkill, by number", "call(234, $victim, $victim, 10)", needs=RAW),
    _hurt("tkill, by number", "call(200, $victim, 10)", needs=RAW),
    _hurt(
        "rt_sigqueueinfo",
        """
import struct
call(129, $victim, 34, struct.pack('iii', 34, 0, -1) + bytes(116))
""",
        needs=RAW,
    ),
    _hurt("pidfd_send_signal", "call(424, call(434, $victim, 0), 12, None, 0)", needs=RAW),
    _do("the 32-bit kill", OLD + "old(37, $victim, 12)", disturbed, needs=("ia32",)),
    _hurt(
        "a signal for input on a pipe",
        """
import fcntl
here, there = os.pipe()
fcntl.fcntl(here, fcntl.F_SETOWN, $victim)
fcntl.fcntl(here, 10, 12)
fcntl.fcntl(here, fcntl.F_SETFL, os.O_ASYNC)
os.write(there, b'x')
""",
    ),
    _hurt(
        "process_vm_writev",
        """
class Vector(ctypes.Structure):
    _fields_ = [('place', ctypes.c_void_p), ('length', ctypes.c_size_t)]
box = ctypes.create_string_buffer(b'mine')
call(311, $victim, ctypes.byref(Vector(ctypes.addressof(box), 4)), 1, ctypes.byref(Vector($victim_address, 4)), 1, 0)
""",
        needs=RAW,
    ),
    _hurt(
        "writing another's memory by path",
        """
with open('/proc/$victim/mem', 'r+b', buffering=0) as memory:
    memory.seek($victim_address)
    memory.write(b'mine')
""",
    ),
    _hurt(
        "ptrace, poking",
        """
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace(16, $victim, None, None)
os.waitpid($victim, 0x40000000)
libc.ptrace(4, $victim, $victim_address, 0x41414141)
libc.ptrace(17, $victim, None, None)
""",
    ),
    _hurt(
        "prlimit",
        """
import resource
resource.prlimit($victim, resource.RLIMIT_NOFILE, (64, 64))
""",
    ),
    _hurt("renice", "os.setpriority(os.PRIO_PROCESS, $victim, 19)"),
    _hurt("renice of a group", "os.setpriority(os.PRIO_PGRP, $victim, 18)"),
    _hurt(
        "processors taken away",
        """
os.sched_setaffinity($victim, {0})
os.sched_setscheduler($victim, os.SCHED_IDLE, os.sched_param(0))
""",
    ),
    _hurt("idle scheduling", "os.sched_setscheduler($victim, os.SCHED_IDLE, os.sched_param(0))"),
    _hurt("ioprio_set", "call(251, 1, $victim, 3 << 13)", needs=RAW),
    _hurt("first to die when memory is short", "open('/proc/$victim/oom_score_adj', 'w').write('900')"),
    _do(
        "a signal to the host's process",
        """
import os
os.kill($host, 23)
""",
        hurt_host,
    ),
    _do(
        "a lock that the host waits for",
        """
import fcntl, time
with open('$lock') as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    time.sleep(0.4)
""",
        hurt_host,
    ),
    _become("a user namespace", "call(272, 0x10000000)", "user"),
    _become(
        "a network namespace",
        """
try: call(272, 0x10000000)
finally: call(272, 0x40000000)
""",
        "net",
    ),
    _become(
        "a mount namespace",
        """
try: call(272, 0x10000000)
except OSError: pass
call(272, 0x20000)
""",
        "mnt",
    ),
    _become(
        "another's namespace, by path", "call(308, os.open('/proc/$victim/ns/uts', os.O_RDONLY), 0)", "uts", needs=(*RAW, *ROOT)
    ),
    _become("another's namespace, by pidfd", "call(308, call(434, $victim, 0), 0x04000000)", "uts", needs=(*RAW, *ROOT)),
    _become(
        "chroot",
        """
os.mkdir('mine')
os.chroot('mine')
""",
        "root",
        needs=ROOT,
    ),
    _hold("bpf", "call(321, 0, __import__('struct').pack('5I', 2, 4, 8, 1, 0) + bytes(100), 72)", "bpf", needs=(*RAW, "bpf")),
    _hold("userfaultfd", "call(323, 1)", "userfaultfd", needs=(*RAW, "userfaultfd")),
    _hold(
        "perf_event_open",
        "call(298, __import__('struct').pack('IIQQQQQ', 1, 128, 0, 0, 0, 0, 0x60) + bytes(80), 0, -1, -1, 0)",
        "perf_event",
    ),
    _hold("a pidfd of the victim", "call(434, $victim, 0)", "pidfd"),
    _do("an io_uring", RING + HOLD + "ring = Ring()\n" + HOLD + "result('done')", held("io_uring"), needs=(*RAW, "io_uring")),
)
