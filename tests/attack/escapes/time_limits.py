"""Going on when the time is over."""

from purpose_agent.core.ports import CodeLimits
from tests.attack.escapes.attack import Attack, Need
from tests.attack.escapes.judges import (
    either,
    left_over,
    overran,
)
from tests.attack.escapes.pieces import MARK

RAW: tuple[Need, ...] = ("x86-64",)
SHORT = CodeLimits(seconds=0.7, memory_mb=256, output_chars=2_000, processes=4, file_mb=1)
DEAF = (
    MARK
    + """
import signal
for number in (1, 2, 3, 13, 14, 15): signal.signal(number, signal.SIG_IGN)
"""
)


def _last(name: str, code: str) -> Attack:
    """Goes on when its time is over."""
    return Attack(name, "resources", code, either(overran, left_over), limits=SHORT)


ATTACKS: tuple[Attack, ...] = (
    _last("an endless loop, deaf", DEAF + "while True: pass"),
    _last("a long sum inside C, deaf", DEAF + "sum(range(10**12))"),
    _last("a power with a thousand million digits, deaf", DEAF + "10 ** 10 ** 8 % 7"),
    _last(
        "a pattern that goes back, deaf",
        DEAF
        + """
import re
re.match('(a+)+$$', 'a' * 40 + 'b')
""",
    ),
    _last(
        "sleeping with signals blocked",
        MARK
        + """
import signal
signal.pthread_sigmask(0, range(1, 64))
time.sleep(5)
""",
    ),
    _last(
        "a handler that goes on",
        MARK
        + """
import signal
def on(*rest):
    while True: time.sleep(0.1)
for number in (1, 2, 15): signal.signal(number, on)
time.sleep(5)
""",
    ),
    _last(
        "stopping itself",
        """
import os
os.kill(os.getpid(), 19)
""",
    ),
    _last(
        "an end that never comes",
        DEAF
        + """
import atexit
atexit.register(time.sleep, 5)
""",
    ),
    _last("a thread that is waited for", DEAF + "threading.Thread(target=time.sleep, args=(5,)).start()"),
    _last(
        "a lock it holds itself",
        DEAF
        + """
lock = threading.Lock()
lock.acquire()
lock.acquire()
""",
    ),
    _last(
        "reading what nobody writes",
        DEAF
        + """
here, there = os.pipe()
os.read(here, 1)
""",
    ),
    _last(
        "an object that resists its end",
        DEAF
        + """
class A:
    def __del__(self): time.sleep(5)
kept = A()
""",
    ),
    _last(
        "a child that holds the output",
        MARK
        + """
if os.fork() == 0:
    os.setsid()
    time.sleep(3.5)
""",
    ),
    _last(
        "a child that waits for its parent's death",
        MARK
        + """
parent = os.getpid()
if os.fork() == 0:
    os.setsid()
    while os.getppid() == parent: time.sleep(0.01)
    time.sleep(4)
    os._exit(0)
time.sleep(5)
""",
    ),
)
