"""Benign programs of some length: threads, files, databases, tests of their own."""

from tests.attack.escapes.benign import Benign

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
    Benign(
        "a table read, a table written",
        RESULTS,
        "2",
        files={"in.csv": b"name,n\na,1\nb,2\n"},
        wants={"out.csv": b"name,double\na,2\nb,4\n"},
    ),
    Benign("contextlib", LEAVING, '["in a", "in b", "out b", "out a"]'),
)
