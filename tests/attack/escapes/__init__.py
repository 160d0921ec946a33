"""Attacks on the sandbox, written before it: eight families, and benign programs that must go on working.

attack.py   what an attack is             ground.py    the canaries of one attack, and what became of them
pieces.py   texts that attacks share      judges.py    how the host tells that an attack worked
probes.py   what attacks need             watch.py · victim.py · listeners.py · shared.py   parts of the ground
bare.py     a child process and trust     run.py       one attack on one runner
benign.py   what a benign program is      benign_work.py · benign_library.py   those programs
"""

from tests.attack.escapes import (
    benign_library,
    benign_work,
    file_paths,
    file_reads,
    file_writes,
    host_secrets,
    integrity,
    network,
    next_execution,
    other_processes,
    other_writes,
    processes,
    resources,
    time_limits,
    verdicts,
)
from tests.attack.escapes.attack import FAMILIES, Attack
from tests.attack.escapes.benign import Benign

ATTACKS: tuple[Attack, ...] = (
    *file_reads.ATTACKS,
    *file_paths.ATTACKS,
    *host_secrets.ATTACKS,
    *file_writes.ATTACKS,
    *other_writes.ATTACKS,
    *network.ATTACKS,
    *processes.ATTACKS,
    *other_processes.ATTACKS,
    *resources.ATTACKS,
    *time_limits.ATTACKS,
    *integrity.ATTACKS,
    *next_execution.ATTACKS,
    *verdicts.ATTACKS,
)
BENIGN: tuple[Benign, ...] = (*benign_work.PROGRAMS, *benign_library.PROGRAMS)

__all__ = ["ATTACKS", "BENIGN", "FAMILIES", "Attack", "Benign"]
