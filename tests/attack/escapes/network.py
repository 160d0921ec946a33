"""Speaking to anyone: the network, sockets of the machine, the kernel's own."""

from tests.attack.escapes.attack import Attack, Judge, Need
from tests.attack.escapes.judges import held, leaked, reached
from tests.attack.escapes.pieces import CALL, HOLD, MARK, OLD, RING

RAW: tuple[Need, ...] = ("x86-64",)
ROOT: tuple[Need, ...] = ("root",)


def _speak(name: str, code: str, *, needs: tuple[Need, ...] = (), seen: Judge = reached) -> Attack:
    return Attack(name, "network", "import socket\n" + code, seen, needs=needs)


ADDRESS = """
import struct
address = struct.pack('<H', 2) + struct.pack('>H', {port}) + bytes([127, 0, 0, 1]) + bytes(8)
"""
CHECK = """
def total(data):
    words = sum(struct.unpack(f">{len(data) // 2}H", data))
    while words >> 16: words = (words & 0xFFFF) + (words >> 16)
    return 0xFFFF - words
udp = struct.pack(">HHHH", 4000, $udp, 12, 0) + b"mine"
head = struct.pack(">BBHHHBBH4s4s", 69, 0, 32, 1, 0, 64, 17, 0, bytes([127, 0, 0, 1]), bytes([127, 0, 0, 1]))
packet = head[:10] + struct.pack(">H", total(head)) + head[12:] + udp
"""

ATTACKS: tuple[Attack, ...] = (
    _speak("TCP", "socket.create_connection(('127.0.0.1', $tcp))"),
    _speak("TCP from an IPv6 socket", "socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', $tcp))"),
    _speak(
        "TCP, by number",
        CALL
        + ADDRESS.format(port="$tcp")
        + """
file = call(41, 2, 1, 0)
call(42, file, address, 16)
""",
        needs=RAW,
    ),
    _speak(
        "TCP with data in the first packet",
        """
one = socket.socket()
one.sendto(b'mine', socket.MSG_FASTOPEN, ('127.0.0.1', $tcp))
""",
    ),
    _speak(
        "HTTP",
        """
import urllib.request
try: urllib.request.urlopen('http://127.0.0.1:$tcp/', timeout=0.5)
except OSError as error: print(error)
except Exception as error: print(error)
""",
    ),
    _speak(
        "asyncio's connection",
        """
import asyncio
asyncio.run(asyncio.open_connection('127.0.0.1', $tcp))
""",
    ),
    _speak("MPTCP", "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect(('127.0.0.1', $tcp))"),
    _speak("UDP", "socket.socket(type=socket.SOCK_DGRAM).sendto(b'mine', ('127.0.0.1', $udp))"),
    _speak("UDP by sendmsg", "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'mine'], [], 0, ('127.0.0.1', $udp))"),
    _speak(
        "UDP by sendmmsg",
        CALL
        + ADDRESS.format(port="$udp")
        + """
box = ctypes.create_string_buffer(address)
data = ctypes.create_string_buffer(b'mine')
vector = ctypes.create_string_buffer(struct.pack('QQ', ctypes.addressof(data), 4))
message = struct.pack('QIIQQQQIIII', ctypes.addressof(box), 16, 0, ctypes.addressof(vector), 1, 0, 0, 0, 0, 0, 0)
call(307, call(41, 2, 2, 0), ctypes.create_string_buffer(message), 1, 0)
""",
        needs=RAW,
    ),
    _speak(
        "a secret in a question of the DNS",
        """
name = b''.join(bytes([len(word)]) + word for word in (b'stolen', b'example', b'org'))
question = b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0' + name + b'\\0\\0\\1\\0\\1'
one = socket.socket(type=socket.SOCK_DGRAM)
one.connect(('127.0.0.1', $udp))
one.send(question)
""",
    ),
    _speak("a socket with a path", "socket.socket(socket.AF_UNIX).connect('$socket_path')"),
    _speak(
        "a datagram socket with a path", "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'mine', '$datagram_path')"
    ),
    _speak("an abstract socket", "socket.socket(socket.AF_UNIX).connect('\\0$abstract')"),
    _speak(
        "a sequenced socket turned to a path",
        """
one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one.connect('$datagram_path')
one.send(b'mine')
""",
    ),
    _speak(
        "one of a pair, to an abstract address",
        """
one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one.sendto(b'mine', '\\0$abstract_datagram')
""",
    ),
    _speak(
        "one of a pair, by sendmsg to a path",
        """
one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one.sendmsg([b'mine'], [], 0, '$datagram_path')
""",
    ),
    _speak("a connection that was inherited", "socket.socket(fileno=$given).send(b'mine')"),
    _speak(
        "any connection that was inherited",
        """
for number in range(3, 1024):
    try: socket.socket(fileno=number).send(b'mine')
    except OSError: pass
""",
    ),
    _speak(
        "a connection of the host's, by pidfd",
        CALL + "os.write(call(438, call(434, $host, 0), $given, 0), b'mine')",
        needs=RAW,
    ),
    _speak(
        "a server of its own",
        """
one = socket.create_server(('127.0.0.1', $free_port))
one.settimeout(1)
one.accept()
""",
    ),
    _speak(
        "a server without a path",
        """
one = socket.socket(socket.AF_UNIX)
one.bind('\\0$free_name')
one.listen()
one.settimeout(1)
one.accept()
""",
    ),
    _speak(
        "netlink to another process",
        """
one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)
one.bind((0, 0))
one.sendto(bytes(16) + b'mine', ($netlink, 0))
""",
    ),
    _speak(
        "the ports that listen, by netlink",
        """
import struct
one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
ask = struct.pack('BBBBI', socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << 10) + bytes(48)
one.send(struct.pack('IHHII', 16 + len(ask), 20, 0x301, 1, 0) + ask)
data = one.recv(200_000)
while len(data) > 32:
    size, = struct.unpack_from('I', data)
    print(f"port={struct.unpack_from('>H', data, 20)[0]};")
    data = data[(size + 3) & ~3:]
""",
        seen=leaked,
    ),
    _speak(
        "a raw packet",
        f"import struct{CHECK}socket.socket(socket.AF_INET, socket.SOCK_RAW, 255).sendto(packet, ('127.0.0.1', 0))",
        needs=ROOT,
    ),
    _speak(
        "raw frames",
        MARK + HOLD + "one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)" + HOLD + "result('done')",
        needs=ROOT,
        seen=held("socket:"),
    ),
    _speak(
        "vsock", MARK + HOLD + "one = socket.socket(40, socket.SOCK_STREAM)" + HOLD + "result('done')", seen=held("socket:")
    ),
    _speak(
        "io_uring: TCP",
        RING
        + ADDRESS.format(port="$tcp")
        + """
ring = Ring()
file = ring.submit(45, 2, 0, 0, 1)
ring.submit(16, file, held(address), 0, 16)
""",
        needs=(*RAW, "io_uring"),
    ),
    _speak(
        "the 32-bit socket call",
        OLD
        + ADDRESS.format(port="$tcp")
        + """
low(struct.pack('III', 2, 1, 0), 4200)
file = old(102, 1, PAGE + 4200)
low(address, 4300)
low(struct.pack('III', file, PAGE + 4300, 16), 4200)
old(102, 3, PAGE + 4200)
""",
        needs=("ia32",),
    ),
)
