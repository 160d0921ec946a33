"""Sortable ids for runs, events and memories."""

import secrets
import threading
import time
from collections.abc import Callable

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_lock = threading.Lock()
_last = 0

IdSource = Callable[[str], str]
"""prefix → a new id that starts with `prefix_`. Given, so that tests are deterministic."""


def _base32(number: int, length: int) -> str:
    return "".join([_ALPHABET[number >> shift & 31] for shift in range(5 * (length - 1), -1, -5)])


def new_id(prefix: str) -> str:
    """A new id such as `run_06f3k2…`: microseconds since 1970, then 30 random bits.

    Ids made by one process sort in the order they were made; ids of several processes sort by clock.
    """
    global _last
    with _lock:
        _last = max(time.time_ns() // 1000, _last + 1)
        return f"{prefix}_{_base32(_last, 11)}{_base32(secrets.randbits(30), 6)}"


def counting_ids() -> IdSource:
    """An id source for tests: `run_0001`, `run_0002`, `mem_0003`, …"""
    count = 0

    def make(prefix: str) -> str:
        nonlocal count
        count += 1
        return f"{prefix}_{count:04d}"

    return make
