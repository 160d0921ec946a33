"""Sortable ids for runs, events and memories."""

import secrets
import threading
import time
from collections.abc import Callable

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]
_lock = threading.Lock()
_last = 0

IdSource = Callable[[str], str]
"""prefix → a new id that starts with `prefix_`. Given, so that tests are deterministic."""


def _base32(number: int) -> str:
    """The 85 low bits of `number`. Two digits at a time: a run makes a dozen ids."""
    return _ALPHABET[number >> 80 & 31] + "".join([_PAIRS[number >> shift & 1023] for shift in range(70, -1, -10)])


def new_id(prefix: str) -> str:
    """A new id such as `run_06f3k2…`: microseconds since 1970, then 30 random bits.

    Ids made by one process sort in the order they were made; ids of several processes sort by clock.
    """
    global _last
    with _lock:
        _last = max(time.time_ns() // 1000, _last + 1)
        return f"{prefix}_{_base32(_last << 30 | secrets.randbits(30))}"


def counting_ids() -> IdSource:
    """An id source for tests: `run_0001`, `run_0002`, `mem_0003`, …"""
    count = 0

    def make(prefix: str) -> str:
        nonlocal count
        count += 1
        return f"{prefix}_{count:04d}"

    return make
