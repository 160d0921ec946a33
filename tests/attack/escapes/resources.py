"""More time, memory, disk, output and processes than the limits give. Each asks for what a machine can bear."""

from purpose_agent.core.ports import CodeLimits
from tests.attack.escapes.attack import LIMITS, Attack, Judge, Need
from tests.attack.escapes.judges import broke, either, flooded, held, left_over, memory, overran, processes, raised_itself, scratch, threads
from tests.attack.escapes.pieces import CALL, HOLD, MARK

RAW: tuple[Need, ...] = ("x86-64",)
SHORT = CodeLimits(seconds=0.7, memory_mb=256, output_chars=2_000, processes=4, file_mb=1)
DEAF = MARK + "import signal\nfor number in (1, 2, 3, 13, 14, 15): signal.signal(number, signal.SIG_IGN)\n"
NO_SUM = "RLIMIT_FSIZE is for each file; what all files take together only a file system of its own limits"
TOTAL = memory(more_than_mb=500)


def _last(name: str, code: str) -> Attack:
    """Goes on when its time is over."""
    return Attack(name, "resources", code, either(overran, left_over), limits=SHORT)


def _take(
    name: str, code: str, seen: Judge, *, needs: tuple[Need, ...] = (), why_not_core: str = "", limits: CodeLimits = LIMITS
) -> Attack:
    return Attack(
        name, "resources", code, seen, needs=needs, core=not why_not_core, why_not_core=why_not_core, limits=limits
    )


ATTACKS: tuple[Attack, ...] = (
    _last("an endless loop, deaf", DEAF + "while True: pass"),
    _last("a long sum inside C, deaf", DEAF + "sum(range(10**12))"),
    _last("a power with a thousand million digits, deaf", DEAF + "10 ** 10 ** 8 % 7"),
    _last("a pattern that goes back, deaf", DEAF + "import re\nre.match('(a+)+$$', 'a' * 40 + 'b')"),
    _last("sleeping with signals blocked", MARK + "import signal\nsignal.pthread_sigmask(0, range(1, 64))\ntime.sleep(5)"),
    _last(
        "a handler that goes on",
        MARK + "import signal\ndef on(*rest):\n    while True: time.sleep(0.1)\n"
        "for number in (1, 2, 15): signal.signal(number, on)\ntime.sleep(5)",
    ),
    _last("stopping itself", "import os\nos.kill(os.getpid(), 19)"),
    _last("an end that never comes", DEAF + "import atexit\natexit.register(time.sleep, 5)"),
    _last("a thread that is waited for", DEAF + "threading.Thread(target=time.sleep, args=(5,)).start()"),
    _last("a lock it holds itself", DEAF + "lock = threading.Lock()\nlock.acquire()\nlock.acquire()"),
    _last("reading what nobody writes", DEAF + "here, there = os.pipe()\nos.read(here, 1)"),
    _last("an object that resists its end", DEAF + "class A:\n    def __del__(self): time.sleep(5)\nkept = A()"),
    _last("a child that holds the output", MARK + "if os.fork() == 0:\n    os.setsid()\n    time.sleep(3.5)"),
    _last("a child that waits for its parent's death", MARK + "parent = os.getpid()\nif os.fork() == 0:\n    os.setsid()\n"
          "    while os.getppid() == parent: time.sleep(0.01)\n    time.sleep(4)\n    os._exit(0)\ntime.sleep(5)"),
    _take("a list", MARK + "data = [bytes([n % 250 + 1]) * 2**20 for n in range(700)]" + HOLD, TOTAL),
    _take("one large array", MARK + "data = bytearray(b'x') * (700 * 2**20)" + HOLD, TOTAL),
    _take("an anonymous mapping", MARK + "import mmap\ndata = mmap.mmap(-1, 700 * 2**20)\nfor n in range(0, len(data), 4096): data[n] = 1" + HOLD, TOTAL),
    _take("brk", MARK + "libc.sbrk.restype = ctypes.c_void_p\nplace = libc.sbrk(700 * 2**20)\nctypes.memset(place, 1, 700 * 2**20)" + HOLD, TOTAL),
    _take("a file in memory", MARK + "file = os.memfd_create('mine')\nfor _ in range(700): os.write(file, bytes(2**20))" + HOLD, TOTAL),
    _take(
        "files in memory, each small enough",
        MARK + "files = [os.memfd_create('mine') for _ in range(700)]\nfor file in files: os.write(file, bytes(2**20))" + HOLD,
        TOTAL,
    ),
    _take(
        "System V segments",
        MARK + "libc.shmat.restype = ctypes.c_void_p\nfor _ in range(7):\n    number = libc.shmget(0, 100 * 2**20, 0o1600)\n"
        "    place = libc.shmat(number, None, 0)\n    libc.shmctl(number, 0, None)\n    ctypes.memset(place, 1, 100 * 2**20)" + HOLD,
        TOTAL,
    ),
    _take("shared memory of the machine", MARK + "with open('/dev/shm/$token-mine', 'wb') as file:\n"
          "    for _ in range(700): file.write(bytes(2**20))" + HOLD, TOTAL),
    _take(
        "four processes that take as much as one may",
        MARK + "for _ in range(3):\n    if os.fork() == 0: break\ndata = b'x' * (190 * 2**20)\ntime.sleep(0.7)",
        TOTAL,
    ),
    _take(
        "a limit that is lifted",
        MARK + "import resource\ntry: resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nexcept (OSError, ValueError): pass\n"
        "data = b'x' * (700 * 2**20)" + HOLD,
        TOTAL,
    ),
    _take(
        "forty processes",
        MARK + "for _ in range(40):\n    if os.fork() == 0:\n        time.sleep(0.8)\n        os._exit(0)\ntime.sleep(0.8)",
        processes(more_than=8),
    ),
    _take(
        "processes that leave the session first",
        MARK + "if os.fork() == 0:\n    os.setsid()\n    for _ in range(5): os.fork()\n    time.sleep(0.8)\n    os._exit(0)\ntime.sleep(0.8)",
        processes(more_than=8),
    ),
    _take("sixty threads", MARK + "for _ in range(60): threading.Thread(target=time.sleep, args=(0.6,)).start()", threads(more_than=12)),
    _take(
        "threads by clone, past the library",
        MARK + "import _thread\nfor _ in range(60): _thread.start_new_thread(time.sleep, (0.6,))\ntime.sleep(0.5)",
        threads(more_than=12),
    ),
    _take("zombies", MARK + "for _ in range(60):\n    if os.fork() == 0:\n        time.sleep(0.3)\n        os._exit(0)\ntime.sleep(0.6)", processes(more_than=8)),
    _take("a flood of output", "import sys\nfor _ in range(100): sys.stdout.write('x' * 100_000)", either(flooded, broke)),
    _take("a flood of errors", "import os\nfor _ in range(100): os.write(2, b'x' * 100_000)", either(flooded, broke)),
    _take("a flood of warnings", "import warnings\nwarnings.simplefilter('always')\nfor n in range(40): warnings.warn('x' * 1000)", either(flooded, broke)),
    _take("one message without end", "raise ValueError('x' * 10**7)", either(flooded, broke)),
    _take("a value without end", "result('x' * (80 * 2**20))", either(flooded, broke)),
    _take("a large file", MARK + "with open('large', 'wb') as file:\n    for _ in range(40): file.write(bytes(2**20))" + HOLD + "result('done')", scratch(largest_mb=8)),
    _take("a large file with nothing in it", MARK + "os.truncate(os.open('large', os.O_RDWR | os.O_CREAT), 2**40)" + HOLD + "result('done')", scratch(largest_mb=8)),
    _take("space set aside", MARK + "os.posix_fallocate(os.open('large', os.O_RDWR | os.O_CREAT), 0, 40 * 2**20)" + HOLD + "result('done')", scratch(largest_mb=8)),
    _take(
        "many files, each small enough",
        MARK + "for n in range(120):\n    with open(str(n), 'wb') as file: file.write(b'x' * 2**20)" + HOLD + "result('done')",
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
        MARK + "open('one', 'w').close()\nfor n in range(7_000): os.link('one', str(n))" + HOLD + "result('done')",
        scratch(names=6_000),
        why_not_core="As with names: making links is allowed in the folder, and nothing counts them",
    ),
    _take(
        "thousands of descriptors",
        MARK + "import resource\nmost = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\nresource.setrlimit(resource.RLIMIT_NOFILE, (most, most))\n"
        "kept = [os.dup(1) for _ in range(6000)]" + HOLD + "result('done')",
        held("thousands"),
    ),
    _take("going before others", MARK + "os.setpriority(os.PRIO_PROCESS, 0, -10)" + HOLD, raised_itself, needs=("root",)),
    _take("real-time scheduling", MARK + "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))" + HOLD, raised_itself, needs=("root",)),
)  # fmt: skip
