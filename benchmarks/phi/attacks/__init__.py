"""Tricks that would raise Φ without the work, as data. Written before the defences."""

from collections.abc import Sequence

from benchmarks.phi.attacks.attack import Attack
from benchmarks.phi.attacks.checker import CHECKER
from benchmarks.phi.attacks.claims import CLAIMS
from benchmarks.phi.attacks.spoken import SPOKEN
from benchmarks.phi.attacks.surface import SURFACE
from benchmarks.phi.attacks.words import WORDS

ATTACKS: Sequence[Attack] = (*SPOKEN, *CLAIMS, *SURFACE, *CHECKER, *WORDS)
