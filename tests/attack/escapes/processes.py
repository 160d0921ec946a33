"""Starting processes, hurting others', and becoming something else."""

from tests.attack.escapes.attack import Attack, Judge, Need
from tests.attack.escapes.judges import (
    either,
    left_over,
    processes,
    ran_a_program,
)
from tests.attack.escapes.pieces import CALL, MARK, OLD

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


def _do(name: str, code: str, seen: Judge, *, needs: tuple[Need, ...] = (), unsafe_on_bare: bool = False) -> Attack:
    return Attack(name, "processes", code, seen, needs=needs, unsafe_on_bare=unsafe_on_bare)


def _start(name: str, code: str, *, needs: tuple[Need, ...] = ()) -> Attack:
    """A second process of the attack's own."""
    return _do(name, MARK + code, TWO, needs=needs)


def _execute(name: str, code: str, *, needs: tuple[Need, ...] = ()) -> Attack:
    """Another program."""
    return _do(name, code, ran_a_program, needs=needs)


ATTACKS: tuple[Attack, ...] = (
    _start(
        "fork",
        """
if os.fork() == 0:
    time.sleep(0.3)
    os._exit(0)
os.wait()
""",
    ),
    _start(
        "forkpty",
        """
import pty
pid, _ = pty.fork()
time.sleep(0.3)
if pid == 0: os._exit(0)
""",
    ),
    _start(
        "the old call fork, by number",
        """
if call(57) == 0:
    time.sleep(0.3)
    os._exit(0)
os.wait()
""",
        needs=RAW,
    ),
    _start(
        "clone, by number",
        """
if call(56, 17, 0, 0, 0, 0) == 0:
    time.sleep(0.3)
    os._exit(0)
os.wait()
""",
        needs=RAW,
    ),
    _start(
        "clone3, by number",
        """
import struct
if call(435, struct.pack('8Q', 0, 0, 0, 0, 17, 0, 0, 0), 64) == 0:
    time.sleep(0.3)
    os._exit(0)
os.wait()
""",
        needs=RAW,
    ),
    _do(
        "the 32-bit fork",
        OLD
        + """
if old(2) == 0:
    time.sleep(0.3)
    os._exit(0)
os.wait()
""",
        TWO,
        needs=("ia32",),
    ),
    _start(
        "multiprocessing",
        """
import multiprocessing
child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(0.3,))
child.start()
child.join()
""",
    ),
    _execute(
        "subprocess",
        f"""
import subprocess
subprocess.run({PROGRAM})
""",
    ),
    _execute(
        "os.system",
        """
import os
os.system('sleep 0.3 # $backwards')
""",
    ),
    _execute(
        "posix_spawn",
        f"""
import os
os.waitpid(os.posix_spawn('/bin/sh', {PROGRAM}, {{}}), 0)
""",
    ),
    _execute(
        "vfork in the C library's popen",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.popen.restype = ctypes.c_void_p
libc.pclose(ctypes.c_void_p(libc.popen(b'sleep 0.3 # $backwards', b'r')))
""",
    ),
    _execute(
        "exec in its own place",
        f"""
import os
os.execv('/bin/sh', {PROGRAM})
""",
    ),
    _execute(
        "exec of a descriptor",
        f"""
import os
file = os.open('/bin/sh', os.O_RDONLY)
os.execve(file, {PROGRAM}, {{}})
""",
    ),
    _execute(
        "execveat of a program in memory",
        CALL
        + """
memory = os.memfd_create('mine')
os.write(memory, open('/bin/sleep', 'rb').read())
words = (ctypes.c_char_p * 3)(b'$backwards', b'0.3', None)
call(322, memory, b'', words, (ctypes.c_char_p * 1)(None), 0x1000)
""",
        needs=RAW,
    ),
    _execute(
        "exec of a script of its own",
        """
import os
open('mine', 'w').write('#!/bin/sh\\nsleep 0.3\\n')
os.chmod('mine', 0o755)
os.execv('mine', ['mine', '$backwards'])
""",
    ),
    _execute(
        "exec through the library's loader",
        """
import glob, os
loader = glob.glob('/lib*/ld-linux*')[0]
os.execv(loader, [loader, '/bin/sh', '-c', 'sleep 0.3 # $backwards'])
""",
    ),
    _do("a daemon", MARK + DAEMON.format(before="pass"), left_over),
    _do(
        "a daemon that hears no signal",
        MARK + DAEMON.format(before="import signal; [signal.signal(n, 1) for n in range(1, 32) if n not in (9, 19)]"),
        left_over,
    ),
    _do(
        "a daemon without environment, folder and output",
        MARK + DAEMON.format(before="os.chdir('/'); libc.clearenv(); os.closerange(0, 1024)"),
        left_over,
    ),
    _do(
        "a stopped child",
        MARK
        + """
import signal
if os.fork() == 0:
    os.setsid()
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(5)
time.sleep(0.1)
""",
        left_over,
    ),
    _do(
        "a child after a crash",
        MARK
        + """
if os.fork() == 0:
    os.setsid()
    time.sleep(5)
os.abort()
""",
        left_over,
    ),
    _do(
        "children that follow each other",
        MARK
        + """
end = time.monotonic() + 6
if os.fork() == 0:
    while time.monotonic() < end:
        if os.fork(): os._exit(0)
        os.setsid()
        time.sleep(0.02)
    os._exit(0)
""",
        left_over,
    ),
    _do(
        "a child in a user namespace, by clone3",
        MARK
        + """
import struct
if call(435, struct.pack('8Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64) == 0:
    time.sleep(0.3)
    os._exit(0)
os.wait()
""",
        TWO,
        needs=RAW,
    ),
    _do(
        "fork in the table of x32",
        MARK
        + """
call(0x40000000 + 57) or (time.sleep(0.3), os._exit(0))
os.wait()
""",
        either(TWO, left_over),
        needs=("x32",),
    ),
)
