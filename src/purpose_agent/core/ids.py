"""Sortable ids for runs, events and memories."""

import os
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
    """The 85 low bits of `number`. Two digits at a time, and no loop: a run makes a dozen ids."""
    return (
        f"{_ALPHABET[number >> 80 & 31]}{_PAIRS[number >> 70 & 1023]}{_PAIRS[number >> 60 & 1023]}{_PAIRS[number >> 50 & 1023]}"
        f"{_PAIRS[number >> 40 & 1023]}{_PAIRS[number >> 30 & 1023]}{_PAIRS[number >> 20 & 1023]}{_PAIRS[number >> 10 & 1023]}"
        f"{_PAIRS[number & 1023]}"
    )


def new_id(prefix: str) -> str:
    """A new id such as `run_06f3k2…`: microseconds since 1970, then 30 random bits.

    Ids made by one process sort in the order they were made; ids of several processes sort by clock.
    """
    global _last
    with _lock:
        _last = max(time.time_ns() // 1000, _last + 1)
        return f"{prefix}_{_base32(_last << 30 | int.from_bytes(os.urandom(4)) >> 2)}"


def counting_ids() -> IdSource:
    """An id source for tests: `run_0001`, `run_0002`, `mem_0003`, …"""
    count = 0

    def make(prefix: str) -> str:
        nonlocal count
        count += 1
        return f"{prefix}_{count:04d}"

    return make
