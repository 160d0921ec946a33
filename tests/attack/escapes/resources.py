"""More time, memory, disk, output and processes than the limits give. Each asks for what a machine can bear."""

from purpose_agent.core.ports import CodeLimits
from tests.attack.escapes.attack import LIMITS, Attack, Judge, Need
from tests.attack.escapes.judges import (
    broke,
    either,
    flooded,
    held,
    memory,
    processes,
    raised_itself,
    scratch,
    threads,
)
from tests.attack.escapes.pieces import HOLD, MARK

RAW: tuple[Need, ...] = ("x86-64",)
NO_SUM = "RLIMIT_FSIZE is for each file; what all files take together only a file system of its own limits"
TOTAL = memory(more_than_mb=500)


def _take(
    name: str, code: str, seen: Judge, *, needs: tuple[Need, ...] = (), why_not_core: str = "", limits: CodeLimits = LIMITS
) -> Attack:
    return Attack(name, "resources", code, seen, needs=needs, core=not why_not_core, why_not_core=why_not_core, limits=limits)


ATTACKS: tuple[Attack, ...] = (
    _take("a list", MARK + "data = [bytes([n % 250 + 1]) * 2**20 for n in range(700)]" + HOLD, TOTAL),
    _take("one large array", MARK + "data = bytearray(b'x') * (700 * 2**20)" + HOLD, TOTAL),
    _take(
        "an anonymous mapping",
        MARK
        + """
import mmap
data = mmap.mmap(-1, 700 * 2**20)
for n in range(0, len(data), 4096): data[n] = 1
"""
        + HOLD,
        TOTAL,
    ),
    _take(
        "brk",
        MARK
        + """
libc.sbrk.restype = ctypes.c_void_p
place = libc.sbrk(700 * 2**20)
ctypes.memset(place, 1, 700 * 2**20)
"""
        + HOLD,
        TOTAL,
    ),
    _take(
        "a file in memory",
        MARK
        + """
file = os.memfd_create('mine')
for _ in range(700): os.write(file, bytes(2**20))
"""
        + HOLD,
        TOTAL,
    ),
    _take(
        "files in memory, each small enough",
        MARK
        + """
files = [os.memfd_create('mine') for _ in range(700)]
for file in files: os.write(file, bytes(2**20))
"""
        + HOLD,
        TOTAL,
    ),
    _take(
        "System V segments",
        MARK
        + """
libc.shmat.restype = ctypes.c_void_p
for _ in range(7):
    number = libc.shmget(0, 100 * 2**20, 0o1600)
    place = libc.shmat(number, None, 0)
    libc.shmctl(number, 0, None)
    ctypes.memset(place, 1, 100 * 2**20)
"""
        + HOLD,
        TOTAL,
    ),
    _take(
        "shared memory of the machine",
        MARK
        + """
with open('/dev/shm/$token-mine', 'wb') as file:
    for _ in range(700): file.write(bytes(2**20))
"""
        + HOLD,
        TOTAL,
    ),
    _take(
        "four processes that take as much as one may",
        MARK
        + """
for _ in range(3):
    if os.fork() == 0: break
data = b'x' * (190 * 2**20)
time.sleep(0.7)
""",
        TOTAL,
    ),
    _take(
        "a limit that is lifted",
        MARK
        + """
import resource
try: resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
except (OSError, ValueError): pass
data = b'x' * (700 * 2**20)
"""
        + HOLD,
        TOTAL,
    ),
    _take(
        "forty processes",
        MARK
        + """
for _ in range(40):
    if os.fork() == 0:
        time.sleep(0.8)
        os._exit(0)
time.sleep(0.8)
""",
        processes(more_than=8),
    ),
    _take(
        "processes that leave the session first",
        MARK
        + """
if os.fork() == 0:
    os.setsid()
    for _ in range(5): os.fork()
    time.sleep(0.8)
    os._exit(0)
time.sleep(0.8)
""",
        processes(more_than=8),
    ),
    _take(
        "sixty threads",
        MARK + "for _ in range(60): threading.Thread(target=time.sleep, args=(0.6,)).start()",
        threads(more_than=12),
    ),
    _take(
        "threads by clone, past the library",
        MARK
        + """
import _thread
for _ in range(60): _thread.start_new_thread(time.sleep, (0.6,))
time.sleep(0.5)
""",
        threads(more_than=12),
    ),
    _take(
        "zombies",
        MARK
        + """
for _ in range(60):
    if os.fork() == 0:
        time.sleep(0.3)
        os._exit(0)
time.sleep(0.6)
""",
        processes(more_than=8),
    ),
    _take(
        "a flood of output",
        """
import sys
for _ in range(100): sys.stdout.write('x' * 100_000)
""",
        either(flooded, broke),
    ),
    _take(
        "a flood of errors",
        """
import os
for _ in range(100): os.write(2, b'x' * 100_000)
""",
        either(flooded, broke),
    ),
    _take(
        "a flood of warnings",
        """
import warnings
warnings.simplefilter('always')
for n in range(40): warnings.warn('x' * 1000)
""",
        either(flooded, broke),
    ),
    _take("one message without end", "raise ValueError('x' * 10**7)", either(flooded, broke)),
    _take("a value without end", "result('x' * (80 * 2**20))", either(flooded, broke)),
    _take(
        "a large file",
        MARK
        + """
with open('large', 'wb') as file:
    for _ in range(40): file.write(bytes(2**20))
"""
        + HOLD
        + "result('done')",
        scratch(largest_mb=8),
    ),
    _take(
        "a large file with nothing in it",
        MARK + "os.truncate(os.open('large', os.O_RDWR | os.O_CREAT), 2**40)" + HOLD + "result('done')",
        scratch(largest_mb=8),
    ),
    _take(
        "space set aside",
        MARK + "os.posix_fallocate(os.open('large', os.O_RDWR | os.O_CREAT), 0, 40 * 2**20)" + HOLD + "result('done')",
        scratch(largest_mb=8),
    ),
    _take(
        "many files, each small enough",
        MARK
        + """
for n in range(120):
    with open(str(n), 'wb') as file: file.write(b'x' * 2**20)
"""
        + HOLD
        + "result('done')",
        scratch(total_mb=100),
        why_not_core=NO_SUM,
    ),
    _take(
        "very many names",
        MARK + "for n in range(7_000): os.close(os.open(str(n), os.O_CREAT | os.O_WRONLY))" + HOLD + "result('done')",
        scratch(names=6_000),
        why_not_core="No limit of a process counts the files it has made; a file system of its own does",
    ),
    _take(
        "very many hard links",
        MARK
        + """
open('one', 'w').close()
for n in range(7_000): os.link('one', str(n))
"""
        + HOLD
        + "result('done')",
        scratch(names=6_000),
        why_not_core="As with names: making links is allowed in the folder, and nothing counts them",
    ),
    _take(
        "thousands of descriptors",
        MARK
        + HOLD
        + """
import resource
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
kept = [os.dup(1) for _ in range(6000)]
"""
        + HOLD
        + "result('done')",
        held("thousands"),
    ),
    _take("going before others", MARK + "os.setpriority(os.PRIO_PROCESS, 0, -10)" + HOLD, raised_itself, needs=("root",)),
    _take(
        "real-time scheduling",
        MARK + "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))" + HOLD,
        raised_itself,
        needs=("root",),
    ),
)
