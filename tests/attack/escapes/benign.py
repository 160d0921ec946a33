"""Programs that mean no harm: what they hand back must be the same in any sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from purpose_agent.core.ports import CodeLimits, CodeRunner

LIMITS = CodeLimits(seconds=15.0)


@dataclass(frozen=True, slots=True)
class Benign:
    """A program, and what it must hand back.

    Attributes:
        value: The JSON text of its result.
        packages: What the runner must have declared; skip the program where they are not installed.
        wants: Files it must hand back, with what is in them.
        errors: What must stand on stderr.
    """

    name: str
    code: str
    value: str
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    packages: tuple[str, ...] = ()
    wants: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    errors: str = ""


async def failure(program: Benign, runner: CodeRunner) -> str:
    """What is wrong with the program's result; "" if nothing is."""
    result = await runner.run(program.code, limits=LIMITS, files=program.files, results=tuple(program.wants))
    if result.status != "ok":
        return f"{result.status}: {result.stderr[-300:]}"
    if result.value != program.value:
        return f"handed back {result.value}"
    if program.errors not in result.stderr:
        return f"wrote {result.stderr[-300:]!r} on stderr"
    wrong = [name for name, data in program.wants.items() if result.files.get(name) != data]
    return f"the files {', '.join(wrong)} are wrong or missing" if wrong else ""


NUMBERS = """
import numpy as np
a = np.arange(6.0).reshape(2, 3)
result([round(float(x), 6) for x in [(a @ a.T).sum(), np.linalg.det(a[:, :2]), np.random.default_rng(1).random(1000).mean().round(1)]])
"""
THREADS = """
import threading
found, lock = [], threading.Lock()
def work(n):
    with lock: found.append(n * n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
result(sorted(found))
"""
CLASSES = """
from dataclasses import dataclass, asdict, field, replace
@dataclass(frozen=True, order=True)
class Point:
    x: int
    y: int = 0
    tags: list = field(default_factory=list, compare=False)
result([asdict(replace(Point(1), y=2)), Point(1) < Point(1, 2)])
"""
DATABASE = """
import sqlite3
with sqlite3.connect("data.db") as db:
    db.execute("CREATE TABLE a (n INTEGER)")
    db.executemany("INSERT INTO a VALUES (?)", [(n,) for n in range(100)])
db.close()
db = sqlite3.connect("data.db")
db.execute("PRAGMA journal_mode=WAL")
result(db.execute("SELECT sum(n), count(*) FROM a").fetchone())
db.close()
"""
UNITTEST = """
import io, unittest
class Sums(unittest.TestCase):
    def test_it_adds(self): self.assertEqual(1 + 1, 2)
    def test_it_is_wrong(self): self.assertEqual(1 + 1, 3)
told = unittest.TextTestRunner(stream=io.StringIO()).run(unittest.defaultTestLoader.loadTestsFromTestCase(Sums))
result([told.testsRun, len(told.failures)])
"""
ASYNC = """
import asyncio
async def work(n):
    await asyncio.sleep(0.01)
    return n * n
async def main():
    queue = asyncio.Queue()
    async with asyncio.timeout(5):
        for square in await asyncio.gather(*map(work, range(4))): await queue.put(square)
    slow = await asyncio.to_thread(sum, range(10))
    return [queue.qsize(), await queue.get(), slow]
result(asyncio.run(main()))
"""
EXECUTOR = """
from concurrent.futures import ThreadPoolExecutor, as_completed
with ThreadPoolExecutor(max_workers=3) as pool:
    futures = [pool.submit(pow, 2, n) for n in range(5)]
    result(sorted(future.result() for future in as_completed(futures)))
"""
DUMMY = """
from multiprocessing.dummy import Pool
with Pool(3) as pool:
    result(pool.map(lambda n: n + 1, range(5)))
"""
TIMES = """
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo
summer = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
result([summer.isoformat(), (summer + timedelta(days=180)).astimezone(timezone.utc).isoformat(), summer.strftime("%d.%m.%y")])
"""
TEMPORARY = """
import os, tempfile
with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w+", dir=folder) as file:
    file.write("hello")
    file.seek(0)
    result([file.read(), len(os.listdir(folder)), tempfile.SpooledTemporaryFile().write(b"abc")])
"""
PATHS = """
import os, shutil
from pathlib import Path
place = Path("a") / "b"
place.mkdir(parents=True)
(place / "one.txt").write_text("1")
shutil.copy(place / "one.txt", place / "two.txt")
(place / "two.txt").rename("three.txt")
os.chmod("three.txt", 0o600)
os.utime("three.txt", (1, 1))
names = sorted(path.as_posix() for path in Path(".").rglob("*.txt"))
shutil.rmtree("a")
Path("three.txt").unlink()
result([names, Path("a").exists(), Path.cwd() == Path(".").resolve()])
"""
ARCHIVES = """
import bz2, gzip, io, lzma, tarfile, zipfile, zlib
with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive: archive.writestr("one", "1" * 1000)
with zipfile.ZipFile("a.zip") as archive: size = len(archive.read("one"))
with gzip.open("a.gz", "wt") as file: file.write("text")
with tarfile.open("a.tar", "w") as archive: archive.add("a.gz")
result([size, gzip.open("a.gz", "rt").read(), tarfile.open("a.tar").getnames(), len(lzma.decompress(lzma.compress(b"x" * 9))),
        bz2.decompress(bz2.compress(b"y")).decode(), zlib.crc32(b"z")])
"""
LOGGING = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
logging.getLogger("work").info("half done")
result(None)
"""
DOCTEST = '''
import doctest
def double(n):
    """
    >>> double(2)
    4
    """
    return 2 * n
found = doctest.DocTestFinder().find(double, "double", globs={"double": double})
runner = doctest.DocTestRunner(verbose=False)
result([runner.run(test).attempted for test in found] + [runner.failures])
'''
RESULTS = """
import csv
rows = list(csv.DictReader(open("in.csv", newline="")))
with open("out.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\\n")
    writer.writerow(["name", "double"])
    writer.writerows([row["name"], 2 * int(row["n"])] for row in rows)
result(len(rows))
"""
LEAVING = """
import contextlib
steps = []
@contextlib.contextmanager
def step(name):
    steps.append("in " + name)
    try: yield name
    finally: steps.append("out " + name)
with contextlib.suppress(KeyError), contextlib.ExitStack() as stack:
    stack.enter_context(step("a"))
    stack.enter_context(step("b"))
    raise KeyError
result(steps)
"""

PROGRAMS: tuple[Benign, ...] = (
    Benign("numpy", NUMBERS, "[83.0, -3.0, 0.5]", packages=("numpy",)),
    Benign("threads", THREADS, "[0, 1, 4, 9]"),
    Benign("dataclasses", CLASSES, '[{"x": 1, "y": 2, "tags": []}, true]'),
    Benign("sqlite3", DATABASE, "[4950, 100]"),
    Benign("unittest", UNITTEST, "[2, 1]"),
    Benign("asyncio", ASYNC, "[4, 0, 45]"),
    Benign("a pool of threads", EXECUTOR, "[1, 2, 4, 8, 16]"),
    Benign("multiprocessing.dummy", DUMMY, "[1, 2, 3, 4, 5]"),
    Benign("times and zones", TIMES, '["2026-07-01T12:00:00+02:00", "2026-12-28T11:00:00+00:00", "01.07.26"]'),
    Benign("tempfile", TEMPORARY, '["hello", 1, 3]'),
    Benign("pathlib and shutil", PATHS, '[["a/b/one.txt", "three.txt"], false, true]'),
    Benign("archives", ARCHIVES, '[1000, "text", ["a.gz"], 9, "y", 1657960367]'),
    Benign("logging", LOGGING, "null", errors="INFO work half done"),
    Benign("doctest", DOCTEST, "[1, 0]"),
    Benign("a table read, a table written", RESULTS, "2", files={"in.csv": b"name,n\na,1\nb,2\n"}, wants={"out.csv": b"name,double\na,2\nb,4\n"}),
    Benign("contextlib", LEAVING, '["in a", "in b", "out b", "out a"]'),
    Benign("a given file in a folder", "result(open('data/words.txt', encoding='utf-8').read().split())", '["\\u00e4", "\\u03a6"]', files={"data/words.txt": "ä Φ".encode()}),
    Benign("a result that is bytes", "open('out.bin', 'wb').write(bytes(range(256)))\nresult('done')", '"done"', wants={"out.bin": bytes(range(256))}),
    Benign("json", "import json\nresult(json.loads(json.dumps({'a': [1, 2.5, None, True, 'ü']}, indent=2)))", '{"a": [1, 2.5, null, true, "\\u00fc"]}'),
    Benign("re", "import re\nresult(re.sub(r'(\\w+)@(\\w+)', r'\\2 at \\1', 'me@home, you@work'))", '"home at me, work at you"'),
    Benign("exact numbers", "from decimal import Decimal, getcontext\nfrom fractions import Fraction\ngetcontext().prec = 30\n"
           "result([str(Decimal(1) / 3), str(Fraction(1, 3) + Fraction(1, 6)), str(2 ** 200)])",
           '["0.333333333333333333333333333333", "1/2", "1606938044258990275541962092341162602522202993782792835301376"]'),
    Benign("statistics", "import statistics\nresult([statistics.mean([1, 2, 3]), statistics.median([1, 9, 2]), round(statistics.stdev([1, 2, 3, 4]), 4)])", "[2, 2, 1.291]"),
    Benign("random and hashlib", "import hashlib, random, secrets, uuid\nrandom.seed(7)\nassert secrets.token_hex() != str(uuid.uuid4())\n"
           "result([random.randint(1, 100), hashlib.sha256(b'a').hexdigest()[:8], len(random.sample(range(9), 3))])", '[42, "ca978112", 3]'),
    Benign("collections", "from collections import Counter, defaultdict, deque, OrderedDict, ChainMap\nd = defaultdict(list)\nd['a'].append(1)\n"
           "result([Counter('hello').most_common(1), d, list(deque([1, 2, 3], maxlen=2)), ChainMap({'a': 1}, {'b': 2})['b']])", '[[["l", 2]], {"a": [1]}, [2, 3], 2]'),
    Benign("heapq, bisect, itertools", "import bisect, heapq, itertools\nresult([heapq.nsmallest(2, [5, 1, 4]), bisect.bisect([1, 3, 5], 4), "
           "list(map(list, itertools.combinations('abc', 2))), list(itertools.accumulate([1, 2, 3]))])",
           '[[1, 4], 2, [["a", "b"], ["a", "c"], ["b", "c"]], [1, 3, 6]]'),
    Benign("functools", "import functools\n@functools.lru_cache(maxsize=None)\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
           "result([fib(90), fib.cache_info().misses, functools.reduce(lambda a, b: a * b, range(1, 6))])", "[2880067194370816120, 91, 120]"),
    Benign("enum and NamedTuple", "import enum, typing\nclass Colour(enum.Enum):\n    RED = 1\nclass Pair(typing.NamedTuple):\n    a: int\n    b: str = 'x'\n"
           "result([Colour(1).name, Pair(1)._asdict(), list(Pair(2, 'y'))])", '["RED", {"a": 1, "b": "x"}, [2, "y"]]'),
    Benign("generators", "def count():\n    got = yield 0\n    while True: got = yield got * 2\nline = count()\nnext(line)\nresult([line.send(n) for n in range(3)])", "[0, 2, 4]"),
    Benign("classes", "from abc import ABC, abstractmethod\nclass Shape(ABC):\n    @abstractmethod\n    def area(self): ...\n"
           "class Square(Shape):\n    def __init__(self, n): self.n = n\n    @property\n    def area(self): return self.n ** 2\n"
           "try: Shape()\nexcept TypeError: word = 'abstract'\nresult([Square(3).area, word, isinstance(Square(1), Shape)])", '[9, "abstract", true]'),
    Benign("texts", "import string, textwrap, unicodedata\nresult([f'{3.14159:.2f} {255:#x} {1e6:,.0f}', textwrap.fill('a b c d', 3), "
           "unicodedata.normalize('NFD', 'é') == 'é', string.Template('$a').substitute(a=1), 'ß'.upper(), '{:>5}'.format('x')])",
           '["3.14 0xff 1,000,000", "a b\\nc d", false, "1", "SS", "    x"]'),
    Benign("ast and compile", "import ast\ntree = ast.parse('1 + 2')\nspace = {}\nexec(compile('y = 6 * 7', 'mine', 'exec'), space)\n"
           "result([type(tree.body[0].value.op).__name__, ast.literal_eval('[1, (2,)]'), eval('1 + 1'), space['y']])", '["Add", [1, [2]], 2, 42]'),
    Benign("struct, array, mmap", "import array, mmap, struct\nbox = mmap.mmap(-1, 4096)\nbox[:4] = struct.pack('>I', 7)\n"
           "result([box[3], array.array('i', [1, 2]).tobytes().hex(), struct.calcsize('QI')])", '[7, "0100000002000000", 12]'),
    Benign("queue and sleep", "import queue, threading, time\nline = queue.PriorityQueue()\nthreading.Timer(0.05, line.put, ((1, 'late'),)).start()\n"
           "time.sleep(0.02)\nresult(line.get(timeout=5))", '[1, "late"]'),
    Benign("pprint and traceback", "import io, pprint, traceback\ntry: 1 / 0\nexcept ZeroDivisionError as error: text = traceback.format_exception_only(error)\n"
           "result([pprint.pformat({'b': 1, 'a': [1, 2]}), text])", '["{\'a\': [1, 2], \'b\': 1}", ["ZeroDivisionError: division by zero\\n"]]'),
    Benign("pickle and copy", "import copy, pickle\ndata = {'a': [1, {2, 3}]}\nresult(pickle.loads(pickle.dumps(data)) == copy.deepcopy(data) == data)", "true"),
    Benign("ctypes of its own memory", "import ctypes\nclass Pair(ctypes.Structure):\n    _fields_ = [('a', ctypes.c_int), ('b', ctypes.c_double)]\n"
           "result([ctypes.sizeof(Pair), Pair(1, 2.5).b, ctypes.create_string_buffer(b'abc').value.decode()])", '[16, 2.5, "abc"]'),
    Benign("its own processors, time and folder", "import os, sys, time\nresult([os.cpu_count() > 0, time.time() > 10**9, os.path.isdir(os.getcwd()), sys.version_info >= (3, 11)])", "[true, true, true, true]"),
    Benign("a module of its own", "open('mine.py', 'w').write('word = 5')\nimport importlib\nimportlib.invalidate_caches()\nimport mine\nresult(mine.word)", "5"),
)  # fmt: skip
