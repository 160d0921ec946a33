"""Changing what is the host's, by ways that are no writing of a file: mounts, shared memory, the installed Python."""

from tests.attack.escapes.attack import Attack, Need
from tests.attack.escapes.judges import changed
from tests.attack.escapes.pieces import CALL

RAW: tuple[Need, ...] = ("x86-64",)
ROOT: tuple[Need, ...] = ("root",)


def _write(name: str, code: str, *, needs: tuple[Need, ...] = ()) -> Attack:
    return Attack(name, "file writes", code, changed, needs=needs)


ATTACKS: tuple[Attack, ...] = (
    _write(
        "a file of the host's, by the descriptor of another process",
        """
import os
os.write(os.open('/proc/$host/root$keep', os.O_WRONLY), b'mine')
""",
    ),
    _write(
        "a line for the host's pipe",
        """
import os
os.write(os.open('$fifo', os.O_WRONLY | os.O_NONBLOCK), b'forged')
""",
    ),
    _write(
        "a database of the user's",
        """
import sqlite3
with sqlite3.connect('$open/mine.db') as db:
    db.execute('CREATE TABLE a (b)')
""",
    ),
    _write(
        "a log file",
        """
import logging
logging.basicConfig(filename='$open/log')
logging.error('mine')
""",
    ),
    _write("the answer of another execution", "open('$neighbour/answer', 'w').write('wrong')"),
    _write("a segment in shared memory", "open('$shared_path', 'w').write('mine')"),
    _write(
        "a System V segment of another's",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
ctypes.memset(libc.shmat(libc.shmget($shared_number, 0, 0), None, 0), 65, 8)
""",
    ),
    _write(
        "removing a System V queue",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.msgctl(libc.msgget($shared_number, 0), 0, None)
""",
    ),
    _write("mount", CALL + "call(165, b'none', b'$mount_point', b'tmpfs', 0, None)", needs=(*RAW, *ROOT)),
    _write("a bind mount", CALL + "call(165, b'$secret_folder', b'$mount_point', None, 4096, None)", needs=(*RAW, *ROOT)),
    _write(
        "a mount by the new calls",
        CALL
        + """
kind = call(430, b'tmpfs', 0)
call(431, kind, 6, None, None, 0)
place = call(432, kind, 0, 0)
call(429, place, b'', -100, b'$mount_point', 4)
""",
        needs=(*RAW, *ROOT),
    ),
    _write(
        "the user's own site-packages",
        """
import site, os
place = site.getusersitepackages()
os.makedirs(place, exist_ok=True)
open(place + '/$token.py', 'w').write('mine = 1')
""",
    ),
    _write(
        "the library",
        """
import sysconfig
open(sysconfig.get_path('stdlib') + '/$token.py', 'w').write('mine = 1')
""",
    ),
    _write(
        "the installed packages",
        """
import sysconfig
open(sysconfig.get_path('purelib') + '/$token.py', 'w').write('mine = 1')
""",
    ),
)
