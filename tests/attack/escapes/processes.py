"""Starting processes, hurting others', and becoming something else."""

from tests.attack.escapes.attack import Attack, Judge, Need
from tests.attack.escapes.judges import (
    disturbed,
    either,
    held,
    hurt_host,
    left_over,
    moved,
    processes,
    ran_a_program,
)
from tests.attack.escapes.pieces import CALL, HOLD, MARK, OLD, RING

RAW: tuple[Need, ...] = ("x86-64",)
ROOT: tuple[Need, ...] = ("root",)
TWO = processes(more_than=1)
PROGRAM = "['sh', '-c', 'sleep 0.3 # $backwards']"
DAEMON = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {before}
        time.sleep(5)
    os._exit(0)
"""


def _do(
    name: str, code: str, seen: Judge, *, needs: tuple[Need, ...] = (), unsafe_on_bare: bool = False
) -> Attack:
    return Attack(name, "processes", code, seen, needs=needs, unsafe_on_bare=unsafe_on_bare)


def _start(name: str, code: str, *, needs: tuple[Need, ...] = ()) -> Attack:
    """A second process of the attack's own."""
    return _do(name, MARK + code, TWO, needs=needs)


def _execute(name: str, code: str, *, needs: tuple[Need, ...] = ()) -> Attack:
    """Another program."""
    return _do(name, code, ran_a_program, needs=needs)


def _hurt(name: str, code: str, *, needs: tuple[Need, ...] = (), unsafe_on_bare: bool = False) -> Attack:
    """Something done to a process of the same user."""
    return _do(name, CALL + code, disturbed, needs=needs, unsafe_on_bare=unsafe_on_bare)


def _become(name: str, code: str, kind: str, *, needs: tuple[Need, ...] = RAW) -> Attack:
    """The process leaves the place it was put in."""
    return _do(name, f"{MARK}{HOLD}{code}\n{HOLD}result('done')", moved(kind), needs=needs)


def _hold(name: str, code: str, kind: str, *, needs: tuple[Need, ...] = RAW) -> Attack:
    """A descriptor by which the kernel can be asked for more."""
    return _do(name, f"{MARK}{code}\n{HOLD}result('done')", held(kind), needs=needs)


ATTACKS: tuple[Attack, ...] = (
    _start("fork", "if os.fork() == 0:\n    time.sleep(0.3)\n    os._exit(0)\nos.wait()"),
    _start("forkpty", "import pty\npid, _ = pty.fork()\ntime.sleep(0.3)\nif pid == 0: os._exit(0)"),
    _start("the old call fork, by number", "if call(57) == 0:\n    time.sleep(0.3)\n    os._exit(0)\nos.wait()", needs=RAW),
    _start("clone, by number", "if call(56, 17, 0, 0, 0, 0) == 0:\n    time.sleep(0.3)\n    os._exit(0)\nos.wait()", needs=RAW),
    _start(
        "clone3, by number",
        "import struct\nif call(435, struct.pack('8Q', 0, 0, 0, 0, 17, 0, 0, 0), 64) == 0:\n    time.sleep(0.3)\n    os._exit(0)\n"
        "os.wait()",
        needs=RAW,
    ),
    _do(
        "the 32-bit fork",
        OLD + "if old(2) == 0:\n    time.sleep(0.3)\n    os._exit(0)\nos.wait()",
        TWO,
        needs=("ia32",),
    ),
    _start(
        "multiprocessing",
        "import multiprocessing\nchild = multiprocessing.get_context('fork').Process(target=time.sleep, args=(0.3,))\n"
        "child.start()\nchild.join()",
    ),
    _execute("subprocess", f"import subprocess\nsubprocess.run({PROGRAM})"),
    _execute("os.system", "import os\nos.system('sleep 0.3 # $backwards')"),
    _execute("posix_spawn", f"import os\nos.waitpid(os.posix_spawn('/bin/sh', {PROGRAM}, {{}}), 0)"),
    _execute("vfork in the C library's popen", "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.popen.restype = ctypes.c_void_p\n"
             "libc.pclose(ctypes.c_void_p(libc.popen(b'sleep 0.3 # $backwards', b'r')))"),
    _execute("exec in its own place", f"import os\nos.execv('/bin/sh', {PROGRAM})"),
    _execute(
        "exec of a descriptor",
        f"import os\nfile = os.open('/bin/sh', os.O_RDONLY)\nos.execve(file, {PROGRAM}, {{}})",
    ),
    _execute(
        "execveat of a program in memory",
        CALL + "memory = os.memfd_create('mine')\nos.write(memory, open('/bin/sleep', 'rb').read())\n"
        "words = (ctypes.c_char_p * 3)(b'$backwards', b'0.3', None)\n"
        "call(322, memory, b'', words, (ctypes.c_char_p * 1)(None), 0x1000)",
        needs=RAW,
    ),
    _execute(
        "exec of a script of its own",
        "import os\nopen('mine', 'w').write('#!/bin/sh\\nsleep 0.3\\n')\nos.chmod('mine', 0o755)\nos.execv('mine', ['mine', '$backwards'])",
    ),
    _execute(
        "exec through the library's loader",
        "import glob, os\nloader = glob.glob('/lib*/ld-linux*')[0]\nos.execv(loader, [loader, '/bin/sh', '-c', 'sleep 0.3 # $backwards'])",
    ),
    _do("a daemon", MARK + DAEMON.format(before="pass"), left_over),
    _do(
        "a daemon that hears no signal",
        MARK + DAEMON.format(before="import signal; [signal.signal(n, 1) for n in range(1, 32) if n not in (9, 19)]"),
        left_over,
    ),
    _do("a daemon without environment, folder and output", MARK + DAEMON.format(
        before="os.chdir('/'); libc.clearenv(); os.closerange(0, 1024)"), left_over),
    _do(
        "a stopped child",
        MARK + "import signal\nif os.fork() == 0:\n    os.setsid()\n    os.kill(os.getpid(), signal.SIGSTOP)\n    time.sleep(5)\ntime.sleep(0.1)",
        left_over,
    ),
    _do("a child after a crash", MARK + "if os.fork() == 0:\n    os.setsid()\n    time.sleep(5)\nos.abort()", left_over),
    _do(
        "children that follow each other",
        MARK + "end = time.monotonic() + 6\nif os.fork() == 0:\n    while time.monotonic() < end:\n        if os.fork(): os._exit(0)\n"
        "        os.setsid()\n        time.sleep(0.02)\n    os._exit(0)",
        left_over,
    ),
    _hurt("kill", "os.kill($victim, 9)"),
    _hurt("a polite signal", "os.kill($victim, 15)"),
    _hurt("stopping", "os.kill($victim, 19)"),
    _hurt("a signal to a process group", "os.killpg($victim, 12)"),
    _hurt("a signal to everyone", "os.kill($everyone, 23)", unsafe_on_bare=True),
    _hurt("tgkill, by number", "call(234, $victim, $victim, 10)", needs=RAW),
    _hurt("tkill, by number", "call(200, $victim, 10)", needs=RAW),
    _hurt("rt_sigqueueinfo", "import struct\ncall(129, $victim, 34, struct.pack('iii', 34, 0, -1) + bytes(116))", needs=RAW),
    _hurt("pidfd_send_signal", "call(424, call(434, $victim, 0), 12, None, 0)", needs=RAW),
    _do("the 32-bit kill", OLD + "old(37, $victim, 12)", disturbed, needs=("ia32",)),
    _hurt(
        "a signal for input on a pipe",
        "import fcntl\nhere, there = os.pipe()\nfcntl.fcntl(here, fcntl.F_SETOWN, $victim)\n"
        "fcntl.fcntl(here, 10, 12)\nfcntl.fcntl(here, fcntl.F_SETFL, os.O_ASYNC)\nos.write(there, b'x')",
    ),
    _hurt("process_vm_writev", "class Vector(ctypes.Structure):\n    _fields_ = [('place', ctypes.c_void_p), ('length', ctypes.c_size_t)]\n"
          "box = ctypes.create_string_buffer(b'mine')\ncall(311, $victim, ctypes.byref(Vector(ctypes.addressof(box), 4)), 1, "
          "ctypes.byref(Vector($victim_address, 4)), 1, 0)", needs=RAW),
    _hurt(
        "writing another's memory by path",
        "with open('/proc/$victim/mem', 'r+b', buffering=0) as memory:\n    memory.seek($victim_address)\n    memory.write(b'mine')",
    ),
    _hurt("ptrace, poking", "libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]\n"
          "libc.ptrace(16, $victim, None, None)\nos.waitpid($victim, 0x40000000)\nlibc.ptrace(4, $victim, $victim_address, 0x41414141)\n"
          "libc.ptrace(17, $victim, None, None)"),
    _hurt("prlimit", "import resource\nresource.prlimit($victim, resource.RLIMIT_NOFILE, (64, 64))"),
    _hurt("renice", "os.setpriority(os.PRIO_PROCESS, $victim, 19)"),
    _hurt("renice of a group", "os.setpriority(os.PRIO_PGRP, $victim, 18)"),
    _hurt("processors taken away", "os.sched_setaffinity($victim, {0})\nos.sched_setscheduler($victim, os.SCHED_IDLE, os.sched_param(0))"),
    _hurt("idle scheduling", "os.sched_setscheduler($victim, os.SCHED_IDLE, os.sched_param(0))"),
    _hurt("ioprio_set", "call(251, 1, $victim, 3 << 13)", needs=RAW),
    _hurt("first to die when memory is short", "open('/proc/$victim/oom_score_adj', 'w').write('900')"),
    _do("a signal to the host's process", "import os\nos.kill($host, 23)", hurt_host),
    _do(
        "a lock that the host waits for",
        "import fcntl, time\nwith open('$lock') as file:\n    fcntl.flock(file, fcntl.LOCK_EX)\n    time.sleep(0.4)",
        hurt_host,
    ),
    _become("a user namespace", "call(272, 0x10000000)", "user"),
    _become("a network namespace", "try: call(272, 0x10000000)\nfinally: call(272, 0x40000000)", "net"),
    _become("a mount namespace", "try: call(272, 0x10000000)\nexcept OSError: pass\ncall(272, 0x20000)", "mnt"),
    _become("another's namespace, by path", "call(308, os.open('/proc/$victim/ns/uts', os.O_RDONLY), 0)", "uts", needs=(*RAW, *ROOT)),
    _become("another's namespace, by pidfd", "call(308, call(434, $victim, 0), 0x04000000)", "uts", needs=(*RAW, *ROOT)),
    _become("chroot", "os.mkdir('mine')\nos.chroot('mine')", "root", needs=ROOT),
    _do(
        "a child in a user namespace, by clone3",
        MARK + "import struct\nif call(435, struct.pack('8Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64) == 0:\n    time.sleep(0.3)\n    os._exit(0)\nos.wait()",
        TWO,
        needs=RAW,
    ),
    _hold("bpf", "call(321, 0, __import__('struct').pack('5I', 2, 4, 8, 1, 0) + bytes(100), 72)", "bpf", needs=(*RAW, "bpf")),
    _hold("userfaultfd", "call(323, 1)", "userfaultfd", needs=(*RAW, "userfaultfd")),
    _hold(
        "perf_event_open",
        "call(298, __import__('struct').pack('IIQQQQQ', 1, 128, 0, 0, 0, 0, 0x60) + bytes(80), 0, -1, -1, 0)",
        "perf_event",
    ),
    _hold("a pidfd of the victim", "call(434, $victim, 0)", "pidfd"),
    _do("an io_uring", RING + "Ring()\n" + HOLD + "result('done')", held("io_uring"), needs=(*RAW, "io_uring")),
    _do(
        "fork in the table of x32",
        MARK + "call(0x40000000 + 57) or (time.sleep(0.3), os._exit(0))\nos.wait()",
        either(TWO, left_over),
        needs=("x32",),
    ),
)  # fmt: skip
