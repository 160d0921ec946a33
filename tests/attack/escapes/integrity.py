"""The host's own process, the pool of warm ones, and the execution that comes next."""

from collections.abc import Mapping

from tests.attack.escapes.attack import Attack, Judge, Need
from tests.attack.escapes.judges import broke, carried, either, hurt_host, overran, second_is_hurt
from tests.attack.escapes.pieces import CALL

RAW: tuple[Need, ...] = ("x86-64",)
LIST = "import os\nresult(sorted(os.listdir('.')))"
FINE = "result('fine')"
LATER = either(broke, second_is_hurt)


def _leave(name: str, code: str, then: str, *, needs: tuple[Need, ...] = ()) -> Attack:
    """Something of this execution is there in the next."""
    return Attack(name, "integrity", code, carried, then=then, needs=needs)


def _harm(
    name: str, code: str, *, seen: Judge = LATER, then: str = FINE, wants: tuple[str, ...] = (), needs: tuple[Need, ...] = (),
    unsafe_on_bare: bool = False, files: Mapping[str, bytes] | None = None,
) -> Attack:  # fmt: skip
    """The host stumbles over what comes back, or over what it must put away."""
    return Attack(
        name, "integrity", code, seen, then=then, wants=wants, needs=needs, unsafe_on_bare=unsafe_on_bare, files=files or {}
    )


ATTACKS: tuple[Attack, ...] = (
    _leave("a file in the folder", "open('$token', 'w').close()", LIST),
    _leave("a folder so deep that no path reaches its end", "import os\nos.mkdir('$token')\nos.chdir('$token')\n"
           "for _ in range(1500):\n    os.mkdir('deeper')\n    os.chdir('deeper')", LIST),
    _leave("a folder closed to its owner", "import os\nos.makedirs('$token/in')\nos.chmod('$token', 0)", LIST),
    _leave("a file that root can't remove", "import fcntl, struct\nwith open('$token', 'w') as file:\n"
           "    fcntl.ioctl(file, 0x40086602, struct.pack('l', 0x10))", LIST, needs=("root",)),
    _leave("a name that is no text", "import os\nos.close(os.open(b'$token\\xff', os.O_CREAT))", LIST),
    _leave("a module of the library in the folder", "open('colorsys.py', 'w').write('word = \"$token\"')",
           "import colorsys\nresult(getattr(colorsys, 'word', None))"),
    _leave("a compiled module in the folder", "import os, py_compile\nopen('colorsys.py', 'w').write('word = \"$token\"')\n"
           "py_compile.compile('colorsys.py', 'chunk.pyc')\nos.remove('colorsys.py')", "import chunk\nresult(getattr(chunk, 'word', None))"),
    _leave("a file for everyone", "open('$drop', 'w').write('$token')", "print(open('$drop').read())"),
    _leave("a file in shared memory", "open('/dev/shm/$token-x', 'w').close()", "import os\nresult(os.listdir('/dev/shm'))"),
    _leave("a module in the installed packages", "import sysconfig\nopen(sysconfig.get_path('purelib') + '/$token.py', 'w').close()",
           "import pkgutil\nresult([found.name for found in pkgutil.iter_modules() if found.name.startswith('cny')])"),
    _leave("a module in the library", "import sysconfig\nopen(sysconfig.get_path('stdlib') + '/$token.py', 'w').close()",
           "import os, sysconfig\nresult([name for name in os.listdir(sysconfig.get_path('stdlib')) if name.startswith('cny')])"),
    _leave("compiled code among the library's", "import sysconfig\nopen(sysconfig.get_path('stdlib') + '/$token.pyc', 'wb').close()",
           "import os, sysconfig\nresult([name for name in os.listdir(sysconfig.get_path('stdlib')) if name.startswith('cny')])"),
    _leave("a System V segment", "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\n"
           "ctypes.memmove(libc.shmat(libc.shmget($shared_number, 0, 0), None, 0), b'$token', 14)",
           "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\n"
           "print(ctypes.string_at(libc.shmat(libc.shmget($shared_number, 0, 0), None, 0), 64))"),
    _leave("a message for the next", "import ctypes\nlibc = ctypes.CDLL(None)\n"
           "libc.msgsnd(libc.msgget($shared_number, 0), b'\\5' + bytes(7) + b'$token', 13, 0)",
           "import ctypes\nlibc = ctypes.CDLL(None)\nbox = ctypes.create_string_buffer(99)\n"
           "libc.msgrcv(libc.msgget($shared_number, 0), box, 90, ctypes.c_long(5), 0o4000)\nprint(box.raw)"),
    _leave("a key for the next", CALL + "call(248, b'user', b'next', b'$token', 13, -4)",
           CALL + "box = ctypes.create_string_buffer(99)\nkey = call(250, 10, -4, b'user', b'next', 0)\ncall(250, 11, key, box, 99)\n"
           "call(250, 9, key, -4)\nprint(box.value)", needs=(*RAW, "keyctl")),
    _leave("a process that writes into the next's folder", "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.closerange(0, 3)\n"
           "    for _ in range(20):\n        time.sleep(0.05)\n        try: open('$token', 'w').close()\n        except OSError: pass\n    os._exit(0)",
           "import time\ntime.sleep(0.3)\n" + LIST),
    _leave("a process that answers the next", "import os, socket\none = socket.socket(socket.AF_UNIX)\none.bind('\\0next-$host')\none.listen()\n"
           "if os.fork() == 0:\n    os.setsid()\n    os.closerange(0, 3)\n    one.settimeout(2)\n    one.accept()[0].send(b'$token')\n    os._exit(0)",
           "import socket\none = socket.socket(socket.AF_UNIX)\none.connect('\\0next-$host')\nprint(one.recv(99))"),
    _leave("the environment", "import os\nos.environ['NEXT'] = '$token'", "import os\nresult(os.environ.get('NEXT'))"),
    _leave("a module kept in memory", "import sys, types\nsys.modules['next'] = types.ModuleType('next')\nsys.modules['next'].word = '$token'",
           "import sys\nresult(getattr(sys.modules.get('next'), 'word', None))"),
    _leave("a changed function of the library", "import json\njson.JSONEncoder.word = '$token'",
           "import json\nresult(getattr(json.JSONEncoder, 'word', None))"),
    _harm("a signal to the parent", "import os\nos.kill(os.getppid(), $parent_signal)", seen=either(hurt_host, LATER), unsafe_on_bare=True),
    _harm("a result file that nobody fills", "import os\nos.mkfifo('out')", wants=("out",), seen=either(broke, overran)),
    _harm("a result file larger than the host's memory", "import os\nos.truncate(os.open('out', os.O_CREAT | os.O_RDWR), 2**43)", wants=("out",)),
    _harm("a result file that is a folder", "import os\nos.mkdir('out')", wants=("out",)),
    _harm("a result file behind links in a circle", "import os\nos.mkdir('sub')\nos.symlink('.', 'sub/sub')\nos.symlink('../out', 'sub/out')\n"
          "os.mkdir('out')", wants=("sub/sub/sub/out",)),
    _harm("a result file that nobody may read", "import os\nopen('out', 'w').close()\nos.chmod('out', 0)\nos.remove('out')\nos.symlink('/proc/self/mem', 'out')",
          wants=("out",)),
    _harm("a given file made a folder", "import os\nos.remove('in')\nos.mkdir('in')", files={"in": b"1"}, then="result(open('in').read())",
          seen=either(broke, second_is_hurt)),
    _harm("output that is no text", "import os\nos.write(1, b'\\xff\\xfe\\x80')"),
    _harm("errors that are no text", "import os\nos.write(2, b'\\xed\\xa0\\x80')\nos._exit(1)"),
    _harm("a result as deep as the sea", "import os\nos.write(1, b'{\"result\": ' + b'[' * 100_000 + b']' * 100_000 + b'}\\n')"),
    _harm("a number as long as a book", "import os\nos.write(1, b'{\"result\": ' + b'9' * 100_000 + b'}\\n')"),
    _harm("half a surrogate", "result('\\ud800')\nprint(1)\nimport os\nos.write(1, b'{\"result\": \"\\xed\\xa0\\x80\"}\\n')"),
    _harm("a broken report", "import os\nos.write(1, b'{\"result\": \\n')"),
    _harm("a broken report on every descriptor", "import os\nfor number in (*range(1, 2), *range(3, 40)):\n"
          "    try: os.write(number, b'{\"result\": {\"key\":\\n') if number == 1 or number != $given and number != $host_file else 0\n"
          "    except OSError: pass"),
)  # fmt: skip
