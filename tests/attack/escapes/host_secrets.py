"""Secrets that are not files: environments, memory, descriptors, keys, what other processes are called."""

from tests.attack.escapes.attack import Attack, Judge, Need, Outcome
from tests.attack.escapes.ground import Ground
from tests.attack.escapes.judges import leaked
from tests.attack.escapes.pieces import CALL

RAW: tuple[Need, ...] = ("x86-64",)


def _steal(name: str, code: str, *, needs: tuple[Need, ...] = (), seen: Judge = leaked, why_not_core: str = "") -> Attack:
    return Attack(name, "host secrets", code, seen, needs=needs, core=not why_not_core, why_not_core=why_not_core)


def _told(fact: str) -> Judge:
    """The code handed back a fact about the host that a container has of its own."""

    def seen(ground: Ground, outcome: Outcome) -> str:
        import os

        facts = {"name": os.uname().nodename, "disk": str(os.statvfs("/").f_blocks)}
        said = outcome.first.value if outcome.first else None
        return f"the host's {fact}" if said == f'"{facts[fact]}"' else ""

    return seen


PTRACE = """
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
def look(attach):
    assert libc.ptrace(attach, $victim, None, None) == 0
    if attach == 0x4206:
        assert libc.ptrace(0x4207, $victim, None, None) == 0
    os.waitpid($victim, 0x40000000)
    words = [libc.ptrace(2, $victim, $victim_address + 8 * place, None) for place in range(5)]
    libc.ptrace(17, $victim, None, None)
    return b"".join((word & 2**64 - 1).to_bytes(8, "little") for word in words)
"""
VECTORS = """
class Vector(ctypes.Structure):
    _fields_ = [("place", ctypes.c_void_p), ("length", ctypes.c_size_t)]
box = ctypes.create_string_buffer(64)
mine = Vector(ctypes.addressof(box), 64)
def copy(pid, address):
    call(310, pid, ctypes.byref(mine), 1, ctypes.byref(Vector(address, 64)), 1, 0)
    return box.value
"""

ATTACKS: tuple[Attack, ...] = (
    _steal(
        "the environment",
        """
import os
print(dict(os.environ))
""",
    ),
    _steal(
        "the environment the C library has",
        """
import ctypes
environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')
place = 0
while environ[place]:
    print(environ[place])
    place += 1
""",
    ),
    _steal("the environment it was started with", "print(open('/proc/self/environ').read())"),
    _steal(
        "its own stack, where the environment was laid",
        """
import re
for line in open('/proc/self/maps'):
    if '[stack]' in line:
        start, end = (int(word, 16) for word in line.split()[0].split('-'))
        with open('/proc/self/mem', 'rb') as memory:
            memory.seek(start)
            print(re.findall(rb'canary-[0-9a-f]{24}', memory.read(end - start)))
""",
    ),
    _steal("the environment of another process", "print(open('/proc/$victim/environ').read())"),
    _steal("the arguments of another process", "print(open('/proc/$victim/cmdline').read())"),
    _steal("the name of another process", "print(open('/proc/$victim/comm').read())"),
    _steal(
        "the names of all processes",
        """
import os
for name in os.listdir('/proc'):
    if name.isdigit():
        try: print(open(f'/proc/{name}/comm').read())
        except OSError: pass
""",
    ),
    _steal(
        "the memory of another process",
        """
with open('/proc/$victim/mem', 'rb', buffering=0) as memory:
    memory.seek($victim_address)
    print(memory.read(64))
""",
    ),
    _steal(
        "the memory of the host's process",
        """
with open('/proc/$host/mem', 'rb', buffering=0) as memory:
    memory.seek($host_address)
    print(memory.read(64))
""",
    ),
    _steal("process_vm_readv of another", CALL + VECTORS + "print(copy($victim, $victim_address))", needs=RAW),
    _steal("process_vm_readv of the host", CALL + VECTORS + "print(copy($host, $host_address))", needs=RAW),
    _steal("ptrace attach", CALL + PTRACE + "print(look(16))"),
    _steal("ptrace seize", CALL + PTRACE + "print(look(0x4206))"),
    _steal("a descriptor of another process, by path", "print(open('/proc/$victim/fd/$victim_file').read())"),
    _steal(
        "a descriptor of another process, by pidfd",
        CALL
        + """
mine = call(438, call(434, $victim, 0), $victim_file, 0)
print(os.pread(mine, 99, 0))
""",
        needs=RAW,
    ),
    _steal("a descriptor of the host's, by path", "print(open('/proc/$host/fd/$host_file').read())"),
    _steal(
        "an inherited descriptor",
        """
import os
print(os.pread($host_file, 99, 0))
""",
    ),
    _steal(
        "any inherited descriptor",
        """
import os
for number in range(3, 1024):
    try: print(os.pread(number, 99, 0))
    except OSError: pass
""",
    ),
    _steal(
        "the working folder of another process",
        """
import os
print(os.listdir('/proc/$victim/cwd$secret_folder/'))
""",
    ),
    _steal(
        "a System V segment",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
print(ctypes.string_at(libc.shmat(libc.shmget($shared_number, 0, 0), None, 0o10000), 64))
""",
    ),
    _steal(
        "a System V queue",
        """
import ctypes
libc = ctypes.CDLL(None)
box = ctypes.create_string_buffer(108)
libc.msgrcv(libc.msgget($shared_number, 0), box, 99, ctypes.c_long(0), 0o4000)
print(box.raw)
""",
    ),
    _steal(
        "System V segments one by one",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_ssize_t
box = ctypes.create_string_buffer(200)
for index in range(200):
    number = libc.shmctl(index, 13, box)
    place = libc.shmat(number, None, 0o10000) if number != -1 else -1
    if place != -1:
        print(ctypes.string_at(place, 64))
""",
    ),
    _steal(
        "a POSIX segment",
        """
from multiprocessing import shared_memory
print(open('$shared_path', 'rb').read())
""",
    ),
    _steal(
        "a POSIX queue",
        """
import ctypes
libc = ctypes.CDLL(None)
box = ctypes.create_string_buffer(9000)
queue = libc.mq_open(b'$queue_name', 0o4000)
libc.mq_receive(queue, box, 9000, None)
print(box.value)
""",
    ),
    _steal(
        "a key by its name",
        CALL
        + """
box = ctypes.create_string_buffer(99)
key = call(250, 10, -4, b'user', b'$key_name', 0)
call(250, 11, key, box, 99)
print(box.value)
""",
        needs=(*RAW, "keyctl"),
    ),
    _steal(
        "all keys of the user",
        CALL
        + """
import struct
ring = ctypes.create_string_buffer(4000)
size = call(250, 11, -4, ring, 4000)
for (key,) in struct.iter_unpack('i', ring.raw[:size]):
    box = ctypes.create_string_buffer(99)
    try: call(250, 11, key, box, 99)
    except OSError: continue
    print(box.value)
""",
        needs=(*RAW, "keyctl"),
    ),
    _steal(
        "what a key agent hands out",
        """
import socket
agent = socket.socket(socket.AF_UNIX)
agent.connect('$socket_path')
print(agent.recv(99))
""",
    ),
    _steal("the names of the sockets", "print(open('/proc/net/unix').read())"),
    _steal(
        "the ports that listen, in /proc",
        """
for line in open('/proc/net/tcp').readlines()[1:]:
    words = line.split()
    if words[3] == '0A': print(f"port={int(words[1].split(':')[1], 16)};")
""",
    ),
    _steal(
        "the host's name",
        """
import os
result(os.uname().nodename)
""",
        seen=_told("name"),
        why_not_core="uname can't be refused to Python, and only a namespace gives another answer",
    ),
    _steal(
        "the size of the host's disk",
        """
import os
result(str(os.statvfs('/').f_blocks))
""",
        seen=_told("disk"),
        why_not_core="Landlock has no say over statfs, and seccomp can't tell one path from another",
    ),
)
