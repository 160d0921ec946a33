"""Changing what is the host's: its files, what is said about them, and what else outlives a process."""

from tests.attack.escapes.attack import Attack, Need
from tests.attack.escapes.judges import changed
from tests.attack.escapes.pieces import CALL, OLD, RING

RAW: tuple[Need, ...] = ("x86-64",)
ROOT: tuple[Need, ...] = ("root",)


def _write(name: str, code: str, *, needs: tuple[Need, ...] = ()) -> Attack:
    return Attack(name, "file writes", code, changed, needs=needs)


ATTACKS: tuple[Attack, ...] = (
    _write("writing over a file", "open('$keep', 'w').write('mine')"),
    _write("a new file in a folder of the user's", "open('$open/new', 'w').write('mine')"),
    _write("a file for everyone to find", "open('$grounds/$token', 'w').write('mine')"),
    _write(
        "unlink",
        """
import os
os.unlink('$keep')
""",
    ),
    _write(
        "removing a tree",
        """
import shutil
shutil.rmtree('$deep')
""",
    ),
    _write(
        "rename over a file",
        """
import os
open('mine', 'w').close()
os.rename('mine', '$keep')
""",
    ),
    _write(
        "rename away",
        """
import os
os.rename('$keep', '$open/moved')
""",
    ),
    _write("exchanging two files", CALL + "call(316, -100, b'$keep', -100, b'$other', 2)", needs=RAW),
    _write(
        "mkdir",
        """
import os
os.mkdir('$open/mine')
""",
    ),
    _write(
        "rmdir",
        """
import os
os.rmdir('$mount_point')
""",
    ),
    _write(
        "a symbolic link laid out",
        """
import os
os.symlink('/etc/passwd', '$open/report')
""",
    ),
    _write(
        "a hard link out of the folder",
        """
import os
os.link('$keep', 'mine')
""",
    ),
    _write(
        "a hard link into the folder",
        """
import os
open('mine', 'w').write('x')
os.link('mine', '$open/mine')
""",
    ),
    _write(
        "truncate by path",
        """
import os
os.truncate('$keep', 0)
""",
    ),
    _write(
        "a shared mapping",
        """
import mmap
with open('$keep', 'r+b') as file:
    mmap.mmap(file.fileno(), 0)[:4] = b'mine'
""",
    ),
    _write(
        "chmod",
        """
import os
os.chmod('$keep', 0o777)
""",
    ),
    _write(
        "chmod of a descriptor",
        """
import os
os.fchmod(os.open('$open', os.O_RDONLY), 0o777)
""",
    ),
    _write("fchmodat2, by number", CALL + "call(452, -100, b'$keep', 0o777, 0)", needs=(*RAW, "new calls")),
    _write(
        "chown",
        """
import os
os.chown('$keep', os.getuid(), os.getgid())
""",
    ),
    _write(
        "chown of a link itself",
        """
import os
os.lchown('$secret_link', os.getuid(), os.getgid())
""",
    ),
    _write(
        "utime",
        """
import os
os.utime('$keep', (1, 1))
""",
    ),
    _write("utimensat, by number", CALL + "call(280, -100, b'$keep', None, 0)", needs=RAW),
    _write("the old call utime, by number", CALL + "call(132, b'$keep', None)", needs=RAW),
    _write(
        "setxattr",
        """
import os
os.setxattr('$keep', 'user.mine', b'1')
""",
    ),
    _write(
        "removexattr",
        """
import os
os.removexattr('$secret_file', 'user.canary')
""",
    ),
    _write(
        "setxattrat, by number",
        CALL
        + """
import struct
box = ctypes.create_string_buffer(b'mine')
call(463, -100, b'$keep', 0, b'user.mine', struct.pack('QII', ctypes.addressof(box), 4, 0), 16)
""",
        needs=(*RAW, "new calls"),
    ),
    _write(
        "the flags of a file",
        """
import fcntl, struct
with open('$keep') as file:
    fcntl.ioctl(file, 0x40086602, struct.pack('l', 0x40))
""",
    ),
    _write(
        "a named pipe",
        """
import os
os.mkfifo('$open/pipe')
""",
    ),
    _write(
        "a device",
        """
import os, stat
os.mknod('$open/null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))
""",
        needs=ROOT,
    ),
    _write(
        "a socket with a path",
        """
import socket
socket.socket(socket.AF_UNIX).bind('$open/mine')
""",
    ),
    _write("the old call creat, by number", CALL + "call(85, b'$open/new', 0o600)", needs=RAW),
    _write(
        "a file without a name, then named",
        CALL
        + """
file = os.open('$open', os.O_TMPFILE | os.O_RDWR)
os.write(file, b'mine')
call(265, -100, f'/proc/self/fd/{file}'.encode(), -100, b'$open/named', 0x400)
""",
        needs=RAW,
    ),
    _write("holes in a file", CALL + "call(285, os.open('$keep', os.O_RDWR), 3, 0, 50)", needs=RAW),
    _write("io_uring: unlink", RING + "Ring().submit(36, -100, held(b'$keep'))", needs=(*RAW, "io_uring")),
    _write("io_uring: mkdir", RING + "Ring().submit(37, -100, held(b'$open/mine'), 0o700)", needs=(*RAW, "io_uring")),
    _write("the 32-bit unlink", OLD + "old(10, low(b'$keep'))", needs=("ia32",)),
    _write("the 32-bit chmod", OLD + "old(15, low(b'$keep'), 0o777)", needs=("ia32",)),
    _write(
        "through a link in its folder",
        """
import os
os.symlink('$keep', 'mine')
open('mine', 'a').write('x')
""",
    ),
    _write(
        "a message in a queue of another's",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.msgsnd(libc.msgget($shared_number, 0), b'\\1' + bytes(7) + b'mine', 4, 0)
""",
    ),
)
