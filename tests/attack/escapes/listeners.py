"""Services of the host that nobody who was confined can reach. Each notes who speaks to it."""

import contextlib
import os
import selectors
import socket
import threading
import time


class Listeners:
    """TCP, UDP, two sockets with a path, two without one, netlink, and a connection that stands open.

    The stream sockets hand out `secret` to whoever asks, as a key agent does.
    """

    def __init__(self, folder: str, token: str, secret: bytes, uid: int | None) -> None:
        self.secret = secret
        self.notes: list[str] = []
        self.tcp, self.hidden = _bound(socket.AF_INET, socket.SOCK_STREAM), _bound(socket.AF_INET, socket.SOCK_STREAM)
        self.udp = _bound(socket.AF_INET, socket.SOCK_DGRAM)
        self.path, self.datagram_path = f"{folder}/{token}.sock", f"{folder}/datagram.sock"
        stream, datagram = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        stream.bind(self.path)
        datagram.bind(self.datagram_path)
        for path in (self.path, self.datagram_path):
            os.chmod(path, 0o777)
        self.abstract, self.abstract_datagram = f"{token}-stream", f"{token}-datagram"
        nowhere, nowhere_datagram = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        nowhere.bind(f"\0{self.abstract}")
        nowhere_datagram.bind(f"\0{self.abstract_datagram}")
        self.open, self.given = socket.socketpair()
        os.set_inheritable(self.given.fileno(), True)
        self._sockets = {
            "TCP": self.tcp,
            "hidden TCP": self.hidden,
            "unix": stream,
            "abstract unix": nowhere,
            "UDP": self.udp,
            "unix datagram": datagram,
            "abstract unix datagram": nowhere_datagram,
            "inherited": self.open,
        }
        self.netlink = 0
        with contextlib.suppress(OSError):
            link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)  # NETLINK_USERSOCK
            link.bind((0, 0))
            self.netlink = int(link.getsockname()[0])
            self._sockets["netlink"] = link
        probe = _bound(socket.AF_INET, socket.SOCK_STREAM)
        self.free_port, self.free_name = _port(probe), f"{token}-free"
        probe.close()
        self._end = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._serve, self._call)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()
        for one in (*self._sockets.values(), self.given):
            one.close()

    def names(self) -> dict[str, str]:
        """What attacks are told. The hidden port isn't."""
        return {
            "tcp": str(_port(self.tcp)),
            "udp": str(_port(self.udp)),
            "socket_path": self.path,
            "datagram_path": self.datagram_path,
            "abstract": self.abstract,
            "abstract_datagram": self.abstract_datagram,
            "netlink": str(self.netlink),
            "free_port": str(self.free_port),
            "free_name": self.free_name,
            "given": str(self.given.fileno()),
        }

    @property
    def hidden_port(self) -> int:
        return _port(self.hidden)

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for name, one in self._sockets.items():
                if one.type == socket.SOCK_STREAM and name != "inherited":
                    one.listen()
                one.setblocking(False)
                selector.register(one, selectors.EVENT_READ, name)
            while not self._end.is_set():
                for key, _ in selector.select(0.05):
                    one = self._sockets[key.data]
                    with contextlib.suppress(OSError):
                        if key.data in ("TCP", "hidden TCP", "unix", "abstract unix"):
                            client, _ = one.accept()
                            self.notes.append(key.data)
                            with client:
                                client.sendall(self.secret)
                        elif one.recv(1000):
                            self.notes.append(key.data)

    def _call(self) -> None:
        """Knocks where an attack may have opened a door."""
        while not self._end.wait(0.05):
            for family, place, name in (
                (socket.AF_INET, ("127.0.0.1", self.free_port), "a TCP server of the attack's"),
                (socket.AF_UNIX, f"\0{self.free_name}", "an abstract server of the attack's"),
            ):
                with socket.socket(family) as one, contextlib.suppress(OSError):
                    one.settimeout(0.2)
                    one.connect(place)
                    if one.getsockname() != one.getpeername():  # a port may also be connected to itself
                        self.notes.append(name)
                    time.sleep(0.05)


def _bound(family: int, kind: int) -> socket.socket:
    one = socket.socket(family, kind)
    one.bind(("127.0.0.1", 0))
    return one


def _port(one: socket.socket) -> int:
    return int(one.getsockname()[1])
