"""Benign programs that go through the standard library."""

from tests.attack.escapes.benign import Benign

PROGRAMS: tuple[Benign, ...] = (
    Benign(
        "a given file in a folder",
        "result(open('data/words.txt', encoding='utf-8').read().split())",
        '["\\u00e4", "\\u03a6"]',
        files={"data/words.txt": "ä Φ".encode()},
    ),
    Benign(
        "a result that is bytes",
        """
open('out.bin', 'wb').write(bytes(range(256)))
result('done')
""",
        '"done"',
        wants={"out.bin": bytes(range(256))},
    ),
    Benign(
        "json",
        """
import json
result(json.loads(json.dumps({'a': [1, 2.5, None, True, 'ü']}, indent=2)))
""",
        '{"a": [1, 2.5, null, true, "\\u00fc"]}',
    ),
    Benign(
        "re",
        """
import re
result(re.sub(r'(\\w+)@(\\w+)', r'\\2 at \\1', 'me@home, you@work'))
""",
        '"home at me, work at you"',
    ),
    Benign(
        "exact numbers",
        """
from decimal import Decimal, getcontext
from fractions import Fraction
getcontext().prec = 30
result([str(Decimal(1) / 3), str(Fraction(1, 3) + Fraction(1, 6)), str(2 ** 200)])
""",
        '["0.333333333333333333333333333333", "1/2", "1606938044258990275541962092341162602522202993782792835301376"]',
    ),
    Benign(
        "statistics",
        """
import statistics
result([statistics.mean([1, 2, 3]), statistics.median([1, 9, 2]), round(statistics.stdev([1, 2, 3, 4]), 4)])
""",
        "[2, 2, 1.291]",
    ),
    Benign(
        "random and hashlib",
        """
import hashlib, random, secrets, uuid
random.seed(7)
assert secrets.token_hex() != str(uuid.uuid4())
result([random.randint(1, 100), hashlib.sha256(b'a').hexdigest()[:8], len(random.sample(range(9), 3))])
""",
        '[42, "ca978112", 3]',
    ),
    Benign(
        "collections",
        """
from collections import Counter, defaultdict, deque, OrderedDict, ChainMap
d = defaultdict(list)
d['a'].append(1)
result([Counter('hello').most_common(1), d, list(deque([1, 2, 3], maxlen=2)), ChainMap({'a': 1}, {'b': 2})['b']])
""",
        '[[["l", 2]], {"a": [1]}, [2, 3], 2]',
    ),
    Benign(
        "heapq, bisect, itertools",
        """
import bisect, heapq, itertools
result([heapq.nsmallest(2, [5, 1, 4]), bisect.bisect([1, 3, 5], 4),
        list(map(list, itertools.combinations('abc', 2))), list(itertools.accumulate([1, 2, 3]))])
""",
        '[[1, 4], 2, [["a", "b"], ["a", "c"], ["b", "c"]], [1, 3, 6]]',
    ),
    Benign(
        "functools",
        """
import functools
@functools.lru_cache(maxsize=None)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
result([fib(90), fib.cache_info().misses, functools.reduce(lambda a, b: a * b, range(1, 6))])
""",
        "[2880067194370816120, 91, 120]",
    ),
    Benign(
        "enum and NamedTuple",
        """
import enum, typing
class Colour(enum.Enum):
    RED = 1
class Pair(typing.NamedTuple):
    a: int
    b: str = 'x'
result([Colour(1).name, Pair(1)._asdict(), list(Pair(2, 'y'))])
""",
        '["RED", {"a": 1, "b": "x"}, [2, "y"]]',
    ),
    Benign(
        "generators",
        """
def count():
    got = yield 0
    while True: got = yield got * 2
line = count()
next(line)
result([line.send(n) for n in range(3)])
""",
        "[0, 2, 4]",
    ),
    Benign(
        "classes",
        """
from abc import ABC, abstractmethod
class Shape(ABC):
    @abstractmethod
    def area(self): ...
class Square(Shape):
    def __init__(self, n): self.n = n
    @property
    def area(self): return self.n ** 2
try: Shape()
except TypeError: word = 'abstract'
result([Square(3).area, word, isinstance(Square(1), Shape)])
""",
        '[9, "abstract", true]',
    ),
    Benign(
        "texts",
        """
import string, textwrap, unicodedata
result([f'{3.14159:.2f} {255:#x} {1e6:,.0f}', textwrap.fill('a b c d', 3),
        unicodedata.normalize('NFD', 'é') == 'é', string.Template('$a').substitute(a=1), 'ß'.upper(), '{:>5}'.format('x')])
""",
        '["3.14 0xff 1,000,000", "a b\\nc d", false, "1", "SS", "    x"]',
    ),
    Benign(
        "ast and compile",
        """
import ast
tree = ast.parse('1 + 2')
space = {}
exec(compile('y = 6 * 7', 'mine', 'exec'), space)
result([type(tree.body[0].value.op).__name__, ast.literal_eval('[1, (2,)]'), eval('1 + 1'), space['y']])
""",
        '["Add", [1, [2]], 2, 42]',
    ),
    Benign(
        "struct, array, mmap",
        """
import array, mmap, struct
box = mmap.mmap(-1, 4096)
box[:4] = struct.pack('>I', 7)
result([box[3], array.array('i', [1, 2]).tobytes().hex(), struct.calcsize('QI')])
""",
        '[7, "0100000002000000", 12]',
    ),
    Benign(
        "queue and sleep",
        """
import queue, threading, time
line = queue.PriorityQueue()
threading.Timer(0.05, line.put, ((1, 'late'),)).start()
time.sleep(0.02)
result(line.get(timeout=5))
""",
        '[1, "late"]',
    ),
    Benign(
        "pprint and traceback",
        """
import io, pprint, traceback
try: 1 / 0
except ZeroDivisionError as error: text = traceback.format_exception_only(error)
result([pprint.pformat({'b': 1, 'a': [1, 2]}), text])
""",
        "[\"{'a': [1, 2], 'b': 1}\", [\"ZeroDivisionError: division by zero\\n\"]]",
    ),
    Benign(
        "pickle and copy",
        """
import copy, pickle
data = {'a': [1, {2, 3}]}
result(pickle.loads(pickle.dumps(data)) == copy.deepcopy(data) == data)
""",
        "true",
    ),
    Benign(
        "ctypes of its own memory",
        """
import ctypes
class Pair(ctypes.Structure):
    _fields_ = [('a', ctypes.c_int), ('b', ctypes.c_double)]
result([ctypes.sizeof(Pair), Pair(1, 2.5).b, ctypes.create_string_buffer(b'abc').value.decode()])
""",
        '[16, 2.5, "abc"]',
    ),
    Benign(
        "its own processors, time and folder",
        """
import os, sys, time
result([os.cpu_count() > 0, time.time() > 10**9, os.path.isdir(os.getcwd()), sys.version_info >= (3, 11)])
""",
        "[true, true, true, true]",
    ),
    Benign(
        "a module of its own",
        """
open('mine.py', 'w').write('word = 5')
import importlib
importlib.invalidate_caches()
import mine
result(mine.word)
""",
        "5",
    ),
)
