"""Code that is not right and would like to count as right."""

from tests.attack.escapes.attack import Attack, Need
from tests.attack.escapes.judges import counted_ok, either, forged, passed
from tests.attack.escapes.pieces import CALL

WRONG = "\nassert False, 'the last line is never right'\n"
FORGED = """b'{"result": "forged"}\\n{"end": "ok"}\\n{"value": "\\\\"forged\\\\"", "status": "ok"}\\n'"""


def _leave(name: str, code: str, *, needs: tuple[Need, ...] = ()) -> Attack:
    """Gone before the last line, which would show that it is wrong."""
    return Attack(name, "verdicts", code + WRONG, counted_ok, needs=needs)


def _forge(name: str, code: str) -> Attack:
    return Attack(name, "verdicts", code + WRONG, either(forged, counted_ok))


def _claim(name: str, code: str, claims: str) -> Attack:
    return Attack(name, "verdicts", code, passed, claims=claims)


ATTACKS: tuple[Attack, ...] = (
    _leave(
        "sys.exit with nothing",
        """
import sys
sys.exit()
""",
    ),
    _leave(
        "SystemExit with zero, out of a context",
        """
import contextlib
with contextlib.ExitStack() as stack:
    stack.callback(lambda: 1)
    raise SystemExit(0)
""",
    ),
    _leave(
        "the C library's exit",
        """
import ctypes
ctypes.CDLL(None).exit(0)
""",
    ),
    _leave("exit_group, by number", CALL + "call(231, 0)", needs=("x86-64",)),
    _leave("exit of the main thread alone", CALL + "call(60, 0)", needs=("x86-64",)),
    _leave(
        "os._exit out of another thread",
        """
import os, threading, time
threading.Timer(0.05, os._exit, (0,)).start()
time.sleep(1)
""",
    ),
    _leave(
        "os._exit out of a signal",
        """
import os, signal, time
signal.signal(14, lambda *rest: os._exit(0))
signal.setitimer(0, 0.05)
time.sleep(1)
""",
    ),
    _leave(
        "os._exit out of a trace",
        """
import os, sys
sys.settrace(lambda *rest: os._exit(0))
(lambda: 1)()
""",
    ),
    _leave(
        "a hook for what is not caught",
        """
import os, sys
sys.excepthook = lambda *rest: os._exit(0)
sys.unraisablehook = sys.excepthook
""",
    ),
    _leave(
        "after the end, all well",
        """
import atexit, os
atexit.register(os._exit, 0)
""",
    ),
    _leave(
        "an object whose end is the process's",
        """
import os
class A:
    def __del__(self): os._exit(0)
kept = A()
""",
    ),
    _leave(
        "exec of something that goes well",
        """
import os
os.execv('/bin/true', ['true'])
""",
    ),
    _forge(
        "the report on standard output",
        f"""
import os
os.write(1, {FORGED})
os._exit(0)
""",
    ),
    _forge(
        "the report on every descriptor",
        f"""
import os
for number in range(1, 1024):
    if number not in ($given, $host_file):
        try: os.write(number, {FORGED})
        except OSError: pass
os._exit(0)
""",
    ),
    _forge(
        "the report, after the end, by a thread",
        f"""
import os, threading, time
def late():
    time.sleep(0.1)
    os.write(1, {FORGED})
    os._exit(0)
threading.Thread(target=late).start()
""",
    ),
    _forge(
        "json's own encoder, replaced",
        """
import json, json.encoder, os
old = json.dumps
json.dumps = lambda *rest, **named: old({'result': 'forged'})
result('honest')
os._exit(0)
""",
    ),
    _forge(
        "result, with a text that is more than a text",
        """
import os
class Text(str):
    def __str__(self): return 'forged'
    __repr__ = __format__ = lambda self, *rest: 'forged'
result(Text('honest'))
os._exit(0)
""",
    ),
    _forge(
        "the report's key, searched in the frames",
        f"""
import os, sys
keys = {{word for frame in [sys._getframe()] for word in map(str, frame.f_globals.values())}}
frame = sys._getframe()
while frame := frame.f_back: keys |= set(map(str, frame.f_locals.values()))
for number in (1, 3, 4, 5):
    for key in ['', *(key + ' ' for key in keys if len(key) < 80)]:
        try: os.write(number, key.encode() + {FORGED})
        except OSError: break
os._exit(0)
""",
    ),
    _forge(
        "the report's key, searched among all objects",
        f"""
import gc, os
keys = {{cell.cell_contents for thing in gc.get_objects() for cell in getattr(thing, '__closure__', None) or ()
        if isinstance(getattr(cell, 'cell_contents', 0), str)}}
for number in (1, 3, 4, 5):
    for key in ['', *(key + ' ' for key in keys if len(key) < 80)]:
        try: os.write(number, key.encode() + {FORGED})
        except OSError: break
os._exit(0)
""".replace("getattr(cell, 'cell_contents', 0)", "filled(cell)").replace(
            "import gc, os\n",
            """
import gc, os
def filled(cell):
    try: return cell.cell_contents
    except ValueError: return 0
""",
        ),
    ),
    _claim(
        "leaving while it is asked",
        """
def f(n):
    import ctypes
    ctypes.CDLL(None).exit(0)
""",
        "assert f(3) == 9",
    ),
    _claim(
        "an exception that is none of theirs",
        """
import os, sys
sys.excepthook = lambda *rest: os._exit(0)
def f(n): raise KeyError(n)
""",
        "assert f(3) == 9",
    ),
    _claim(
        "a number that agrees",
        """
class Agrees(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
def f(n): return Agrees(0)
""",
        """
assert f(3) == 9
assert f(5) == 25
""",
    ),
    _claim(
        "sorted by wish",
        """
import builtins
builtins.sorted = lambda data, **named: data
def order(data): return data
""",
        """
data = [3, 1, 2]
assert order(data) == sorted(data)
""",
    ),
    _claim(
        "a list that has everything",
        """
class Full(list):
    def __contains__(self, one): return True
    def __len__(self): return 3
def primes(n): return Full()
""",
        """
found = primes(10)
assert 7 in found and len(found) == 3
""",
    ),
    _claim(
        "optimised away",
        """
import sys
frame = sys._getframe()
frame.f_globals['AssertionError'] = None
import builtins, os
class Fine(Exception):
    def __init__(self, *rest): os._exit(0)
builtins.AssertionError = Fine
sys.excepthook = lambda *rest: os._exit(0)
def f(n): return 0
""",
        "assert f(3) == 9",
    ),
    _claim(
        "round, to what is wished",
        """
import builtins
builtins.round = lambda *rest: 3.14
def pi(): return 3.0
""",
        "assert round(pi(), 2) == 3.14",
    ),
    _claim(
        "the checks' own source",
        """
import linecache, re, sys
try: text = open(sys.argv[0]).read()
except OSError: text = open('/proc/self/cmdline').read()
table = dict(re.findall(r'assert f\\((\\d+)\\) == (\\d+)', text))
def f(n): return int(table[str(n)])
""",
        """
assert f(3) == 9
assert f(5) == 25
""",
    ),
    _claim(
        "a thread that ends it well",
        """
import os, threading
def f(n):
    threading.Timer(0.05, os._exit, (0,)).start()
    threading.Event().wait(1)
""",
        "assert f(3) == 9",
    ),
)
