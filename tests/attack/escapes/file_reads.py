"""Reading files of the host, by every way there is to a file."""

from tests.attack.escapes.attack import Attack, Need
from tests.attack.escapes.judges import leaked
from tests.attack.escapes.pieces import CALL, OLD, RING

ROOT: tuple[Need, ...] = ("root",)
RAW: tuple[Need, ...] = ("x86-64",)


def _read(name: str, code: str, *, needs: tuple[Need, ...] = (), wants: tuple[str, ...] = (), why_not_core: str = "") -> Attack:
    return Attack(name, "file reads", code, leaked, needs=needs, wants=wants, core=not why_not_core, why_not_core=why_not_core)


ATTACKS: tuple[Attack, ...] = (
    _read("open", "print(open('$secret_file').read())"),
    _read(
        "a path through dots",
        """
import os
print(open(os.path.relpath('$secret_file')).read())
""",
    ),
    _read(
        "a descriptor that is only a path, opened again",
        """
import os
file = os.open('$secret_file', os.O_PATH)
print(open(f'/proc/self/fd/{file}').read())
""",
    ),
    _read(
        "relative to an open folder",
        """
import os
place = os.open('$secret_folder', os.O_RDONLY)
print(os.read(os.open('id_canary', os.O_RDONLY, dir_fd=place), 99))
""",
    ),
    _read(
        "relative to a folder that is only a path",
        """
import os
place = os.open('$secret_folder', os.O_PATH)
print(os.read(os.open('id_canary', 0, dir_fd=place), 99))
""",
    ),
    _read(
        "after chdir",
        """
import os
os.chdir('$secret_folder')
print(open('id_canary').read())
""",
    ),
    _read("the old call open, by number", CALL + "print(os.read(call(2, b'$secret_file', 0, 0), 99))", needs=RAW),
    _read("openat, by number", CALL + "print(os.read(call(257, -100, b'$secret_file', 0, 0), 99))", needs=RAW),
    _read(
        "openat2, by number",
        CALL
        + """
import struct
print(os.read(call(437, -100, b'$secret_file', struct.pack('QQQ', 0, 0, 0), 24), 99))
""",
        needs=RAW,
    ),
    _read(
        "by the file's handle",
        CALL
        + """
import struct
handle = ctypes.create_string_buffer(struct.pack('Ii', 128, 0), 136)
mount = ctypes.c_int()
call(303, -100, b'$secret_file', handle, ctypes.byref(mount), 0)
place = os.open('/', os.O_RDONLY)
print(os.read(call(304, place, handle, 0), 99))
""",
        needs=(*RAW, *ROOT),
    ),
    _read(
        "the C library's fopen",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(b'$secret_file', b'r'))
box = ctypes.create_string_buffer(99)
libc.fgets(box, 99, file)
print(box.value)
""",
    ),
    _read(
        "mmap",
        """
import mmap, os
print(mmap.mmap(os.open('$secret_file', os.O_RDONLY), 0, prot=mmap.PROT_READ)[:])
""",
    ),
    _read(
        "sendfile into a file of its own",
        """
import os
out = os.open('out', os.O_RDWR | os.O_CREAT)
os.sendfile(out, os.open('$secret_file', 0), 0, 99)
print(os.pread(out, 99, 0))
""",
    ),
    _read(
        "splice into a pipe",
        """
import os
here, there = os.pipe()
os.splice(os.open('$secret_file', 0), there, 99)
print(os.read(here, 99))
""",
    ),
    _read(
        "preadv2 into scattered boxes",
        """
import os
boxes = [bytearray(8) for _ in range(6)]
os.preadv(os.open('$secret_file', 0), boxes, 0, os.RWF_HIPRI * 0)
print(b''.join(boxes))
""",
    ),
    _read(
        "io_uring",
        RING
        + """
ring = Ring()
file = ring.submit(18, -100, held(b'$secret_file'), 0)
box = ctypes.create_string_buffer(99)
ring.submit(22, file, ctypes.addressof(box), 99)
print(box.value)
""",
        needs=(*RAW, "io_uring"),
    ),
    _read(
        "the 32-bit open and read",
        OLD
        + """
file = old(5, low(b'$secret_file'), 0, 0)
old(3, file, low(b'', 5000), 99)
print(ctypes.string_at(PAGE + 5000, 99))
""",
        needs=("ia32",),
    ),
    _read(
        "as a module",
        """
import sys
sys.path.insert(0, '$secret_folder')
sys.dont_write_bytecode = True
import $secret_module
print($secret_module.TOKEN)
""",
    ),
    _read(
        "as a line of source",
        """
import linecache
print(linecache.getline('$secret_file', 1))
""",
    ),
    _read(
        "readline's history",
        """
import readline
readline.read_history_file('$secret_file')
print(readline.get_history_item(1))
""",
        needs=("readline",),
    ),
    _read(
        "an entity of XML",
        """
import xml.sax, xml.sax.handler, io
class Print(xml.sax.ContentHandler):
    def characters(self, text): print(text)
parser = xml.sax.make_parser()
parser.setFeature(xml.sax.handler.feature_external_ges, True)
parser.setContentHandler(Print())
parser.parse(io.StringIO('<!DOCTYPE a [<!ENTITY b SYSTEM "file://$secret_file">]><a>&b;</a>'))
""",
    ),
    _read(
        "a file: address",
        """
import urllib.request
print(urllib.request.urlopen('file://$secret_file').read())
""",
    ),
)
