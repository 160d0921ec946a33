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
    _write("unlink", "import os\nos.unlink('$keep')"),
    _write("removing a tree", "import shutil\nshutil.rmtree('$deep')"),
    _write("rename over a file", "import os\nopen('mine', 'w').close()\nos.rename('mine', '$keep')"),
    _write("rename away", "import os\nos.rename('$keep', '$open/moved')"),
    _write("exchanging two files", CALL + "call(316, -100, b'$keep', -100, b'$other', 2)", needs=RAW),
    _write("mkdir", "import os\nos.mkdir('$open/mine')"),
    _write("rmdir", "import os\nos.rmdir('$mount_point')"),
    _write("a symbolic link laid out", "import os\nos.symlink('/etc/passwd', '$open/report')"),
    _write("a hard link out of the folder", "import os\nos.link('$keep', 'mine')"),
    _write("a hard link into the folder", "import os\nopen('mine', 'w').write('x')\nos.link('mine', '$open/mine')"),
    _write("truncate by path", "import os\nos.truncate('$keep', 0)"),
    _write("a shared mapping", "import mmap\nwith open('$keep', 'r+b') as file:\n    mmap.mmap(file.fileno(), 0)[:4] = b'mine'"),
    _write("chmod", "import os\nos.chmod('$keep', 0o777)"),
    _write("chmod of a descriptor", "import os\nos.fchmod(os.open('$open', os.O_RDONLY), 0o777)"),
    _write("fchmodat2, by number", CALL + "call(452, -100, b'$keep', 0o777, 0)", needs=(*RAW, "new calls")),
    _write("chown", "import os\nos.chown('$keep', os.getuid(), os.getgid())"),
    _write("chown of a link itself", "import os\nos.lchown('$secret_link', os.getuid(), os.getgid())"),
    _write("utime", "import os\nos.utime('$keep', (1, 1))"),
    _write("utimensat, by number", CALL + "call(280, -100, b'$keep', None, 0)", needs=RAW),
    _write("the old call utime, by number", CALL + "call(132, b'$keep', None)", needs=RAW),
    _write("setxattr", "import os\nos.setxattr('$keep', 'user.mine', b'1')"),
    _write("removexattr", "import os\nos.removexattr('$secret_file', 'user.canary')"),
    _write(
        "setxattrat, by number",
        CALL + "import struct\nbox = ctypes.create_string_buffer(b'mine')\n"
        "call(463, -100, b'$keep', 0, b'user.mine', struct.pack('QII', ctypes.addressof(box), 4, 0), 16)",
        needs=(*RAW, "new calls"),
    ),
    _write(
        "the flags of a file",
        "import fcntl, struct\nwith open('$keep') as file:\n    fcntl.ioctl(file, 0x40086602, struct.pack('l', 0x40))",
    ),
    _write("a named pipe", "import os\nos.mkfifo('$open/pipe')"),
    _write("a device", "import os, stat\nos.mknod('$open/null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))", needs=ROOT),
    _write("a socket with a path", "import socket\nsocket.socket(socket.AF_UNIX).bind('$open/mine')"),
    _write("the old call creat, by number", CALL + "call(85, b'$open/new', 0o600)", needs=RAW),
    _write(
        "a file without a name, then named",
        CALL + "file = os.open('$open', os.O_TMPFILE | os.O_RDWR)\nos.write(file, b'mine')\n"
        "call(265, -100, f'/proc/self/fd/{file}'.encode(), -100, b'$open/named', 0x400)",
        needs=RAW,
    ),
    _write("holes in a file", CALL + "call(285, os.open('$keep', os.O_RDWR), 3, 0, 50)", needs=RAW),
    _write("io_uring: unlink", RING + "Ring().submit(36, -100, held(b'$keep'))", needs=(*RAW, "io_uring")),
    _write("io_uring: mkdir", RING + "Ring().submit(37, -100, held(b'$open/mine'), 0o700)", needs=(*RAW, "io_uring")),
    _write("the 32-bit unlink", OLD + "old(10, low(b'$keep'))", needs=("ia32",)),
    _write("the 32-bit chmod", OLD + "old(15, low(b'$keep'), 0o777)", needs=("ia32",)),
    _write(
        "a file of the host's, by the descriptor of another process",
        "import os\nos.write(os.open('/proc/$host/root$keep', os.O_WRONLY), b'mine')",
    ),
    _write("a line for the host's pipe", "import os\nos.write(os.open('$fifo', os.O_WRONLY | os.O_NONBLOCK), b'forged')"),
    _write("through a link in its folder", "import os\nos.symlink('$keep', 'mine')\nopen('mine', 'a').write('x')"),
    _write("a database of the user's", "import sqlite3\nwith sqlite3.connect('$open/mine.db') as db:\n    db.execute('CREATE TABLE a (b)')"),
    _write("a log file", "import logging\nlogging.basicConfig(filename='$open/log')\nlogging.error('mine')"),
    _write("the answer of another execution", "open('$neighbour/answer', 'w').write('wrong')"),
    _write("a segment in shared memory", "open('$shared_path', 'w').write('mine')"),
    _write(
        "a System V segment of another's",
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\n"
        "ctypes.memset(libc.shmat(libc.shmget($shared_number, 0, 0), None, 0), 65, 8)",
    ),
    _write(
        "a message in a queue of another's",
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.msgsnd(libc.msgget($shared_number, 0), b'\\1' + bytes(7) + b'mine', 4, 0)",
    ),
    _write("removing a System V queue", "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.msgctl(libc.msgget($shared_number, 0), 0, None)"),
    _write("mount", CALL + "call(165, b'none', b'$mount_point', b'tmpfs', 0, None)", needs=(*RAW, *ROOT)),
    _write("a bind mount", CALL + "call(165, b'$secret_folder', b'$mount_point', None, 4096, None)", needs=(*RAW, *ROOT)),
    _write(
        "a mount by the new calls",
        CALL + "kind = call(430, b'tmpfs', 0)\ncall(431, kind, 6, None, None, 0)\nplace = call(432, kind, 0, 0)\n"
        "call(429, place, b'', -100, b'$mount_point', 4)",
        needs=(*RAW, *ROOT),
    ),
    _write("the user's own site-packages", "import site, os\nplace = site.getusersitepackages()\nos.makedirs(place, exist_ok=True)\n"
           "open(place + '/$token.py', 'w').write('mine = 1')"),
    _write("the library", "import sysconfig\nopen(sysconfig.get_path('stdlib') + '/$token.py', 'w').write('mine = 1')"),
    _write("the installed packages", "import sysconfig\nopen(sysconfig.get_path('purelib') + '/$token.py', 'w').write('mine = 1')"),
)  # fmt: skip
