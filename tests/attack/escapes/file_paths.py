"""Reading files of the host by other names: links, result files, /proc, folders, and what is known about files."""

from tests.attack.escapes.attack import Attack, Need
from tests.attack.escapes.judges import leaked
from tests.attack.escapes.pieces import CALL

ROOT: tuple[Need, ...] = ("root",)
RAW: tuple[Need, ...] = ("x86-64",)
NO_HOOK = "Landlock has no say over {}, and seccomp can't tell one path from another"


def _read(name: str, code: str, *, needs: tuple[Need, ...] = (), wants: tuple[str, ...] = (), why_not_core: str = "") -> Attack:
    return Attack(name, "file reads", code, leaked, needs=needs, wants=wants, core=not why_not_core, why_not_core=why_not_core)


ATTACKS: tuple[Attack, ...] = (
    _read(
        "copy_file_range into a result file",
        """
import os
out = os.open('out', os.O_RDWR | os.O_CREAT)
os.copy_file_range(os.open('$secret_file', 0), out, 99)
""",
        wants=("out",),
    ),
    _read(
        "through a symbolic link",
        """
import os
os.symlink('$secret_file', 'mine')
print(open('mine').read())
""",
    ),
    _read(
        "through a link to a folder",
        """
import os
os.symlink('$secret_folder', 'mine')
print(open('mine/id_canary').read())
""",
    ),
    _read(
        "through a hard link",
        """
import os
os.link('$secret_file', 'mine')
print(open('mine').read())
""",
    ),
    _read(
        "a hard link as result file",
        """
import os
os.link('$secret_file', 'out')
""",
        wants=("out",),
    ),
    _read(
        "a symbolic link as result file",
        """
import os
os.symlink('$secret_file', 'out')
""",
        wants=("out",),
    ),
    _read(
        "a result file in a folder that is a link",
        """
import os
os.symlink('$secret_folder', 'sub')
""",
        wants=("sub/id_canary",),
    ),
    _read(
        "a result file that is a chain of links",
        """
import os
os.mkdir('a')
os.symlink('../b', 'a/c')
os.symlink('$secret_folder', 'b')
os.symlink('a/c/id_canary', 'out')
""",
        wants=("out",),
    ),
    _read("through /proc/self/root", "print(open('/proc/self/root$secret_file').read())"),
    _read("through the root of another process", "print(open('/proc/$victim/root$secret_file').read())"),
    _read(
        "the folder another process works in",
        """
import os
place = os.open('/proc/$host/cwd', os.O_RDONLY)
print(os.read(os.open('../' * 20 + '$secret_file', 0, dir_fd=place), 99))
""",
    ),
    _read(
        "listing a folder",
        """
import os
print(os.listdir('$secret_folder'))
""",
    ),
    _read(
        "getdents64, by number",
        CALL
        + """
box = ctypes.create_string_buffer(4096)
call(217, os.open('$secret_folder', os.O_DIRECTORY), box, 4096)
print(box.raw)
""",
        needs=RAW,
    ),
    _read(
        "walking up from its own folder",
        """
import os
print(os.listdir('$grounds'))
""",
    ),
    _read("the folder of another execution", "print(open('$neighbour/answer').read())"),
    _read(
        "a pipe of the host's",
        """
import os
print(os.read(os.open('$fifo', os.O_RDONLY | os.O_NONBLOCK), 99))
""",
    ),
    _read(
        "an extended attribute",
        """
import os
print(os.getxattr('$secret_file', 'user.canary'))
""",
    ),
    _read(
        "the names inotify tells",
        CALL
        + """
watch = libc.inotify_init()
assert libc.inotify_add_watch(watch, b'$events', 0x100) > 0
print(os.read(watch, 999))
""",
    ),
    _read(
        "the names fanotify tells",
        CALL
        + """
watch = call(300, 0x800 | 0x400, 0)
call(301, watch, 1, 0x100 | 0x40000000 | 0x08000000, -100, b'$events')
print(os.read(watch, 999))
""",
        needs=(*RAW, *ROOT),
    ),
    _read(
        "leasing a file of the host",
        """
import fcntl, os
file = os.open('$secret_file', os.O_RDWR)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print(os.read(file, 99))
""",
    ),
    _read(
        "a detached copy of the mount",
        CALL
        + """
place = call(428, -100, b'$secret_folder', 1)
print(os.read(os.open('id_canary', 0, dir_fd=place), 99))
""",
        needs=(*RAW, *ROOT),
    ),
    _read(
        "where a link leads",
        """
import os
print(os.readlink('$secret_link'))
""",
        why_not_core=NO_HOOK.format("readlink"),
    ),
    _read(
        "how large a file is",
        """
import os
print(f"size={os.stat('$secret_folder/large').st_size};")
""",
        why_not_core=NO_HOOK.format("stat"),
    ),
)
