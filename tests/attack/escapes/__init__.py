"""Attacks on the sandbox, written before it: eight families, and benign programs that must go on working.

attack.py   what an attack is             ground.py    the canaries of one attack, and what became of them
pieces.py   texts that attacks share      judges.py    how the host tells that an attack worked
probes.py   what attacks need             watch.py · victim.py · listeners.py · shared.py   parts of the ground
bare.py     a child process and trust     run.py       one attack on one runner
"""

from tests.attack.escapes import (
    file_reads,
    file_writes,
    host_secrets,
    integrity,
    network,
    processes,
    resources,
    verdicts,
)
from tests.attack.escapes.attack import FAMILIES, Attack

ATTACKS: tuple[Attack, ...] = (
    *file_reads.ATTACKS,
    *host_secrets.ATTACKS,
    *file_writes.ATTACKS,
    *network.ATTACKS,
    *processes.ATTACKS,
    *resources.ATTACKS,
    *integrity.ATTACKS,
    *verdicts.ATTACKS,
)

__all__ = ["ATTACKS", "FAMILIES", "Attack"]
