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
    _leave("sys.exit with nothing", "import sys\nsys.exit()"),
    _leave("SystemExit with zero, out of a context", "import contextlib\nwith contextlib.ExitStack() as stack:\n    stack.callback(lambda: 1)\n    raise SystemExit(0)"),
    _leave("the C library's exit", "import ctypes\nctypes.CDLL(None).exit(0)"),
    _leave("exit_group, by number", CALL + "call(231, 0)", needs=("x86-64",)),
    _leave("exit of the main thread alone", CALL + "call(60, 0)", needs=("x86-64",)),
    _leave("os._exit out of another thread", "import os, threading, time\nthreading.Timer(0.05, os._exit, (0,)).start()\ntime.sleep(1)"),
    _leave("os._exit out of a signal", "import os, signal, time\nsignal.signal(14, lambda *rest: os._exit(0))\nsignal.setitimer(0, 0.05)\ntime.sleep(1)"),
    _leave("os._exit out of a trace", "import os, sys\nsys.settrace(lambda *rest: os._exit(0))\n(lambda: 1)()"),
    _leave("a hook for what is not caught", "import os, sys\nsys.excepthook = lambda *rest: os._exit(0)\nsys.unraisablehook = sys.excepthook"),
    _leave("after the end, all well", "import atexit, os\natexit.register(os._exit, 0)"),
    _leave("an object whose end is the process's", "import os\nclass A:\n    def __del__(self): os._exit(0)\nkept = A()"),
    _leave("exec of something that goes well", "import os\nos.execv('/bin/true', ['true'])"),
    _forge("the report on standard output", f"import os\nos.write(1, {FORGED})\nos._exit(0)"),
    _forge(
        "the report on every descriptor",
        f"import os\nfor number in range(1, 1024):\n    if number not in ($given, $host_file):\n"
        f"        try: os.write(number, {FORGED})\n        except OSError: pass\nos._exit(0)",
    ),
    _forge(
        "the report, after the end, by a thread",
        f"import os, threading, time\ndef late():\n    time.sleep(0.1)\n    os.write(1, {FORGED})\n    os._exit(0)\nthreading.Thread(target=late).start()",
    ),
    _forge(
        "json's own encoder, replaced",
        "import json, json.encoder, os\nold = json.dumps\njson.dumps = lambda *rest, **named: old({'result': 'forged'})\n"
        "result('honest')\nos._exit(0)",
    ),
    _forge("result, with a text that is more than a text", "import os\nclass Text(str):\n    def __str__(self): return 'forged'\n"
           "    __repr__ = __format__ = lambda self, *rest: 'forged'\nresult(Text('forged'))\nos._exit(0)"),
    _forge(
        "the report's key, searched in the frames",
        f"import os, sys\nkeys = {{word for frame in [sys._getframe()] for word in map(str, frame.f_globals.values())}}\nframe = sys._getframe()\n"
        "while frame := frame.f_back: keys |= set(map(str, frame.f_locals.values()))\n"
        f"for number in (1, 3, 4, 5):\n    for key in ['', *(key + ' ' for key in keys if len(key) < 80)]:\n"
        f"        try: os.write(number, key.encode() + {FORGED})\n        except OSError: break\nos._exit(0)",
    ),
    _forge(
        "the report's key, searched among all objects",
        "import gc, os\nkeys = {cell.cell_contents for thing in gc.get_objects() for cell in getattr(thing, '__closure__', None) or ()\n"
        "        if isinstance(getattr(cell, 'cell_contents', 0), str)}\n"
        f"for number in (1, 3, 4, 5):\n    for key in ['', *(key + ' ' for key in keys if len(key) < 80)]:\n"
        f"        try: os.write(number, key.encode() + {FORGED})\n        except OSError: break\nos._exit(0)"
        .replace("getattr(cell, 'cell_contents', 0)", "filled(cell)")
        .replace("import gc, os\n", "import gc, os\ndef filled(cell):\n    try: return cell.cell_contents\n    except ValueError: return 0\n"),
    ),
    _claim("leaving while it is asked", "def f(n):\n    import ctypes\n    ctypes.CDLL(None).exit(0)", "assert f(3) == 9"),
    _claim("an exception that is none of theirs", "import os, sys\nsys.excepthook = lambda *rest: os._exit(0)\ndef f(n): raise KeyError(n)", "assert f(3) == 9"),
    _claim("a number that agrees", "class Agrees(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
           "def f(n): return Agrees(0)", "assert f(3) == 9\nassert f(5) == 25"),
    _claim("sorted by wish", "import builtins\nbuiltins.sorted = lambda data, **named: data\ndef order(data): return data", "data = [3, 1, 2]\nassert order(data) == sorted(data)"),
    _claim("a list that has everything", "class Full(list):\n    def __contains__(self, one): return True\n    def __len__(self): return 3\n"
           "def primes(n): return Full()", "found = primes(10)\nassert 7 in found and len(found) == 3"),
    _claim("optimised away", "import sys\nframe = sys._getframe()\nframe.f_globals['AssertionError'] = None\nimport builtins, os\n"
           "class Fine(Exception):\n    def __init__(self, *rest): os._exit(0)\nbuiltins.AssertionError = Fine\n"
           "sys.excepthook = lambda *rest: os._exit(0)\ndef f(n): return 0", "assert f(3) == 9"),
    _claim("round, to what is wished", "import builtins\nbuiltins.round = lambda *rest: 3.14\ndef pi(): return 3.0", "assert round(pi(), 2) == 3.14"),
    _claim("the checks' own source", "import linecache, re, sys\n"
           "try: text = open(sys.argv[0]).read()\nexcept OSError: text = open('/proc/self/cmdline').read()\n"
           "table = dict(re.findall(r'assert f\\((\\d+)\\) == (\\d+)', text))\ndef f(n): return int(table[str(n)])", "assert f(3) == 9\nassert f(5) == 25"),
    _claim("a thread that ends it well", "import os, threading\ndef f(n):\n    threading.Timer(0.05, os._exit, (0,)).start()\n    threading.Event().wait(1)", "assert f(3) == 9"),
)  # fmt: skip
