"""What one execution leaves for the next."""

from tests.attack.escapes.attack import Attack, Need
from tests.attack.escapes.judges import carried
from tests.attack.escapes.pieces import CALL

RAW: tuple[Need, ...] = ("x86-64",)
LIST = """
import os
result(sorted(os.listdir('.')))
"""


def _leave(name: str, code: str, then: str, *, needs: tuple[Need, ...] = ()) -> Attack:
    """Something of this execution is there in the next."""
    return Attack(name, "integrity", code, carried, then=then, needs=needs)


ATTACKS: tuple[Attack, ...] = (
    _leave("a file in the folder", "open('$token', 'w').close()", LIST),
    _leave(
        "a folder so deep that no path reaches its end",
        """
import os
os.mkdir('$token')
os.chdir('$token')
for _ in range(1500):
    os.mkdir('deeper')
    os.chdir('deeper')
""",
        LIST,
    ),
    _leave(
        "a folder closed to its owner",
        """
import os
os.makedirs('$token/in')
os.chmod('$token', 0)
""",
        LIST,
    ),
    _leave(
        "a file that root can't remove",
        """
import fcntl, struct
with open('$token', 'w') as file:
    fcntl.ioctl(file, 0x40086602, struct.pack('l', 0x10))
""",
        LIST,
        needs=("root",),
    ),
    _leave(
        "a name that is no text",
        """
import os
os.close(os.open(b'$token\\xff', os.O_CREAT))
""",
        LIST,
    ),
    _leave(
        "a module of the library in the folder",
        "open('colorsys.py', 'w').write('word = \"$token\"')",
        """
import colorsys
result(getattr(colorsys, 'word', None))
""",
    ),
    _leave(
        "a compiled module in the folder",
        """
import os, py_compile
open('colorsys.py', 'w').write('word = "$token"')
py_compile.compile('colorsys.py', 'chunk.pyc')
os.remove('colorsys.py')
""",
        """
import chunk
result(getattr(chunk, 'word', None))
""",
    ),
    _leave("a file for everyone", "open('$drop', 'w').write('$token')", "print(open('$drop').read())"),
    _leave(
        "a file in shared memory",
        "open('/dev/shm/$token-x', 'w').close()",
        """
import os
result(os.listdir('/dev/shm'))
""",
    ),
    _leave(
        "a module in the installed packages",
        """
import sysconfig
open(sysconfig.get_path('purelib') + '/$token.py', 'w').close()
""",
        """
import pkgutil
result([found.name for found in pkgutil.iter_modules() if found.name.startswith('cny')])
""",
    ),
    _leave(
        "a module in the library",
        """
import sysconfig
open(sysconfig.get_path('stdlib') + '/$token.py', 'w').close()
""",
        """
import os, sysconfig
result([name for name in os.listdir(sysconfig.get_path('stdlib')) if name.startswith('cny')])
""",
    ),
    _leave(
        "compiled code among the library's",
        """
import sysconfig
open(sysconfig.get_path('stdlib') + '/$token.pyc', 'wb').close()
""",
        """
import os, sysconfig
result([name for name in os.listdir(sysconfig.get_path('stdlib')) if name.startswith('cny')])
""",
    ),
    _leave(
        "a System V segment",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
ctypes.memmove(libc.shmat(libc.shmget($shared_number, 0, 0), None, 0), b'$token', 14)
""",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
print(ctypes.string_at(libc.shmat(libc.shmget($shared_number, 0, 0), None, 0), 64))
""",
    ),
    _leave(
        "a message for the next",
        """
import ctypes
libc = ctypes.CDLL(None)
libc.msgsnd(libc.msgget($shared_number, 0), b'\\5' + bytes(7) + b'$token', 13, 0)
""",
        """
import ctypes
libc = ctypes.CDLL(None)
box = ctypes.create_string_buffer(99)
libc.msgrcv(libc.msgget($shared_number, 0), box, 90, ctypes.c_long(5), 0o4000)
print(box.raw)
""",
    ),
    _leave(
        "a key for the next",
        CALL + "call(248, b'user', b'$key_name-next', b'$token', 13, -4)",
        CALL
        + """
box = ctypes.create_string_buffer(99)
try: call(250, 11, call(250, 10, -4, b'user', b'$key_name-next', 0), box, 99)
except OSError: pass
print(box.value)
""",
        needs=(*RAW, "keyctl"),
    ),
    _leave(
        "a process that writes into the next's folder",
        """
import os, time
if os.fork() == 0:
    os.setsid()
    os.closerange(0, 3)
    for _ in range(20):
        time.sleep(0.05)
        try: open('$token', 'w').close()
        except OSError: pass
    os._exit(0)
""",
        """
import time
time.sleep(0.3)
"""
        + LIST,
    ),
    _leave(
        "a process that answers the next",
        """
import os, socket
one = socket.socket(socket.AF_UNIX)
one.bind('\\0next-$host')
one.listen()
if os.fork() == 0:
    os.setsid()
    os.closerange(0, 3)
    one.settimeout(2)
    one.accept()[0].send(b'$token')
    os._exit(0)
""",
        """
import socket
one = socket.socket(socket.AF_UNIX)
one.connect('\\0next-$host')
print(one.recv(99))
""",
    ),
    _leave(
        "the environment",
        """
import os
os.environ['NEXT'] = '$token'
""",
        """
import os
result(os.environ.get('NEXT'))
""",
    ),
    _leave(
        "a module kept in memory",
        """
import sys, types
sys.modules['next'] = types.ModuleType('next')
sys.modules['next'].word = '$token'
""",
        """
import sys
result(getattr(sys.modules.get('next'), 'word', None))
""",
    ),
    _leave(
        "a changed function of the library",
        """
import json
json.JSONEncoder.word = '$token'
""",
        """
import json
result(getattr(json.JSONEncoder, 'word', None))
""",
    ),
)
