"""Reading files of the host, by every way there is to a file."""

from tests.attack.escapes.attack import Attack, Need
from tests.attack.escapes.judges import leaked
from tests.attack.escapes.pieces import CALL, OLD, RING

ROOT: tuple[Need, ...] = ("root",)
RAW: tuple[Need, ...] = ("x86-64",)
NO_HOOK = "Landlock has no say over {}, and seccomp can't tell one path from another"


def _read(
    name: str, code: str, *, needs: tuple[Need, ...] = (), wants: tuple[str, ...] = (), why_not_core: str = ""
) -> Attack:
    return Attack(
        name, "file reads", code, leaked, needs=needs, wants=wants, core=not why_not_core, why_not_core=why_not_core
    )


ATTACKS: tuple[Attack, ...] = (
    _read("open", "print(open('$secret_file').read())"),
    _read("a path through dots", "import os\nprint(open(os.path.relpath('$secret_file')).read())"),
    _read(
        "a descriptor that is only a path, opened again",
        "import os\nfile = os.open('$secret_file', os.O_PATH)\nprint(open(f'/proc/self/fd/{file}').read())",
    ),
    _read(
        "relative to an open folder",
        "import os\nplace = os.open('$secret_folder', os.O_RDONLY)\n"
        "print(os.read(os.open('id_canary', os.O_RDONLY, dir_fd=place), 99))",
    ),
    _read(
        "relative to a folder that is only a path",
        "import os\nplace = os.open('$secret_folder', os.O_PATH)\nprint(os.read(os.open('id_canary', 0, dir_fd=place), 99))",
    ),
    _read("after chdir", "import os\nos.chdir('$secret_folder')\nprint(open('id_canary').read())"),
    _read("the old call open, by number", CALL + "print(os.read(call(2, b'$secret_file', 0, 0), 99))", needs=RAW),
    _read("openat, by number", CALL + "print(os.read(call(257, -100, b'$secret_file', 0, 0), 99))", needs=RAW),
    _read(
        "openat2, by number",
        CALL + "import struct\nprint(os.read(call(437, -100, b'$secret_file', struct.pack('QQQ', 0, 0, 0), 24), 99))",
        needs=RAW,
    ),
    _read(
        "by the file's handle",
        CALL + "import struct\nhandle = ctypes.create_string_buffer(struct.pack('Ii', 128, 0), 136)\nmount = ctypes.c_int()\n"
        "call(303, -100, b'$secret_file', handle, ctypes.byref(mount), 0)\n"
        "place = os.open('/', os.O_RDONLY)\nprint(os.read(call(304, place, handle, 0), 99))",
        needs=(*RAW, *ROOT),
    ),
    _read("the C library's fopen", "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.fopen.restype = ctypes.c_void_p\n"
          "file = ctypes.c_void_p(libc.fopen(b'$secret_file', b'r'))\nbox = ctypes.create_string_buffer(99)\n"
          "libc.fgets(box, 99, file)\nprint(box.value)"),
    _read("mmap", "import mmap, os\nprint(mmap.mmap(os.open('$secret_file', os.O_RDONLY), 0, prot=mmap.PROT_READ)[:])"),
    _read(
        "sendfile into a file of its own",
        "import os\nout = os.open('out', os.O_RDWR | os.O_CREAT)\nos.sendfile(out, os.open('$secret_file', 0), 0, 99)\n"
        "print(os.pread(out, 99, 0))",
    ),
    _read(
        "splice into a pipe",
        "import os\nhere, there = os.pipe()\nos.splice(os.open('$secret_file', 0), there, 99)\nprint(os.read(here, 99))",
    ),
    _read(
        "copy_file_range into a result file",
        "import os\nout = os.open('out', os.O_RDWR | os.O_CREAT)\nos.copy_file_range(os.open('$secret_file', 0), out, 99)",
        wants=("out",),
    ),
    _read(
        "preadv2 into scattered boxes",
        "import os\nboxes = [bytearray(8) for _ in range(6)]\nos.preadv(os.open('$secret_file', 0), boxes, 0, os.RWF_HIPRI * 0)\n"
        "print(b''.join(boxes))",
    ),
    _read(
        "io_uring",
        RING + "ring = Ring()\nfile = ring.submit(18, -100, held(b'$secret_file'), 0)\nbox = ctypes.create_string_buffer(99)\n"
        "ring.submit(22, file, ctypes.addressof(box), 99)\nprint(box.value)",
        needs=(*RAW, "io_uring"),
    ),
    _read(
        "the 32-bit open and read",
        OLD + "file = old(5, low(b'$secret_file'), 0, 0)\nold(3, file, low(b'', 5000), 99)\nprint(ctypes.string_at(PAGE + 5000, 99))",
        needs=("ia32",),
    ),
    _read("through a symbolic link", "import os\nos.symlink('$secret_file', 'mine')\nprint(open('mine').read())"),
    _read("through a link to a folder", "import os\nos.symlink('$secret_folder', 'mine')\nprint(open('mine/id_canary').read())"),
    _read("through a hard link", "import os\nos.link('$secret_file', 'mine')\nprint(open('mine').read())"),
    _read("a hard link as result file", "import os\nos.link('$secret_file', 'out')", wants=("out",)),
    _read("a symbolic link as result file", "import os\nos.symlink('$secret_file', 'out')", wants=("out",)),
    _read(
        "a result file in a folder that is a link", "import os\nos.symlink('$secret_folder', 'sub')", wants=("sub/id_canary",)
    ),
    _read(
        "a result file that is a chain of links",
        "import os\nos.mkdir('a')\nos.symlink('../b', 'a/c')\nos.symlink('$secret_folder', 'b')\nos.symlink('a/c/id_canary', 'out')",
        wants=("out",),
    ),
    _read("through /proc/self/root", "print(open('/proc/self/root$secret_file').read())"),
    _read("through the root of another process", "print(open('/proc/$victim/root$secret_file').read())"),
    _read(
        "the folder another process works in",
        "import os\nplace = os.open('/proc/$host/cwd', os.O_RDONLY)\n"
        "print(os.read(os.open('../' * 20 + '$secret_file', 0, dir_fd=place), 99))",
    ),
    _read("listing a folder", "import os\nprint(os.listdir('$secret_folder'))"),
    _read(
        "getdents64, by number",
        CALL + "box = ctypes.create_string_buffer(4096)\ncall(217, os.open('$secret_folder', os.O_DIRECTORY), box, 4096)\n"
        "print(box.raw)",
        needs=RAW,
    ),
    _read("walking up from its own folder", "import os\nprint(os.listdir('$grounds'))"),
    _read(
        "as a module",
        "import sys\nsys.path.insert(0, '$secret_folder')\nsys.dont_write_bytecode = True\n"
        "import $secret_module\nprint($secret_module.TOKEN)",
    ),
    _read("as a line of source", "import linecache\nprint(linecache.getline('$secret_file', 1))"),
    _read(
        "readline's history",
        "import readline\nreadline.read_history_file('$secret_file')\nprint(readline.get_history_item(1))",
        needs=("readline",),
    ),
    _read("an entity of XML", "import xml.sax, xml.sax.handler, io\nclass Print(xml.sax.ContentHandler):\n"
          "    def characters(self, text): print(text)\nparser = xml.sax.make_parser()\n"
          "parser.setFeature(xml.sax.handler.feature_external_ges, True)\nparser.setContentHandler(Print())\n"
          "parser.parse(io.StringIO('<!DOCTYPE a [<!ENTITY b SYSTEM \"file://$secret_file\">]><a>&b;</a>'))"),
    _read("a file: address", "import urllib.request\nprint(urllib.request.urlopen('file://$secret_file').read())"),
    _read("the folder of another execution", "print(open('$neighbour/answer').read())"),
    _read("a pipe of the host's", "import os\nprint(os.read(os.open('$fifo', os.O_RDONLY | os.O_NONBLOCK), 99))"),
    _read("an extended attribute", "import os\nprint(os.getxattr('$secret_file', 'user.canary'))"),
    _read(
        "the names inotify tells",
        CALL + "watch = libc.inotify_init()\nassert libc.inotify_add_watch(watch, b'$events', 0x100) > 0\nprint(os.read(watch, 999))",
    ),
    _read(
        "the names fanotify tells",
        CALL + "watch = call(300, 0x800 | 0x400, 0)\ncall(301, watch, 1, 0x100 | 0x40000000 | 0x08000000, -100, b'$events')\n"
        "print(os.read(watch, 999))",
        needs=(*RAW, *ROOT),
    ),
    _read("leasing a file of the host", "import fcntl, os\nfile = os.open('$secret_file', os.O_RDWR)\n"
          "fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)\nprint(os.read(file, 99))"),
    _read(
        "a detached copy of the mount",
        CALL + "place = call(428, -100, b'$secret_folder', 1)\nprint(os.read(os.open('id_canary', 0, dir_fd=place), 99))",
        needs=(*RAW, *ROOT),
    ),
    _read("where a link leads", "import os\nprint(os.readlink('$secret_link'))", why_not_core=NO_HOOK.format("readlink")),
    _read(
        "how large a file is", "import os\nprint(f\"size={os.stat('$secret_folder/large').st_size};\")",
        why_not_core=NO_HOOK.format("stat"),
    ),
)  # fmt: skip
