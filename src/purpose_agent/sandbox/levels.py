"""How well an execution is contained, and what this machine can do.

In:  what this kernel has.
Out: the levels, best first; what code may read at them; why one can't be had, in words for people.

| level | what holds the code |
|---|---|
| strong | user, pid, network, ipc and mount namespaces, a read-only root with nothing but Python, a folder in memory; and all of "good" |
| good | Landlock, an allowlist of system calls, no capabilities, limits |
| bubblewrap | a world made by `bwrap`, for those who have it (`bubblewrap.py`) |
| monty | an interpreter that has no way out, for a part of Python (`monty.py`) |
| process-only | a process of its own with limits: no sandbox |
"""

import os
import re
import sys
import sysconfig
from collections.abc import Sequence
from functools import cache
from typing import Literal, TypeAlias, get_args

from purpose_agent.core.errors import SandboxUnavailable, UsageError

Level: TypeAlias = Literal["strong", "good", "bubblewrap", "monty", "process-only"]
BY_NAME: tuple[Level, ...] = get_args(Level)
Wall: TypeAlias = Literal["strong", "good"]
WALLS: tuple[Wall, ...] = get_args(Wall)
SETTING = "PURPOSE_AGENT_SANDBOX"
SYSTEM = ("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/usr/share/zoneinfo", "/lib64", "/usr/lib64")


def level_wanted() -> Level | None:
    """What the user set for this machine; None if nothing.

    Raises:
        UsageError: It is no level.
    """
    said = os.environ.get(SETTING, "").strip()
    if not said:
        return None
    if said not in BY_NAME:
        raise UsageError(f"{SETTING}={said!r} is no level; it is one of {', '.join(BY_NAME)}.")
    return said


def unavailable(reasons: Sequence[tuple[Level, str]]) -> SandboxUnavailable:
    """The error for code that will not be run, with the ways out."""
    told = "; ".join(f"{level}: {reason}" for level, reason in reasons)
    return SandboxUnavailable(
        f"There is no sandbox on this machine, so the code was not run ({told}). Ways out: run on Linux 5.13 or newer with Landlock"
        " switched on (in a container: one whose seccomp profile lets it through); or, for code that you trust as much as your own,"
        f' set {SETTING}=process-only, or give Sandbox("process-only"). That is a process with limits, and no sandbox.'
    )


def library() -> str:
    """The folder of the standard library."""
    return os.path.realpath(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix}))


@cache
def readable(packages: tuple[str, ...] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What code may read, as paths, and the folders that the packages are found in.

    Raises:
        UsageError: A package isn't installed.
    """
    multiarch: object = sysconfig.get_config_var("MULTIARCH")
    system = [*SYSTEM, *(f"{place}/{multiarch}" for place in ("/lib", "/usr/lib") if isinstance(multiarch, str))]
    found = [library(), *(path for path in system if os.path.exists(path))]
    sites: list[str] = []
    for package in packages:
        places, site = _places_of(package)
        found += places
        sites += [site]
    return tuple(dict.fromkeys(found)), tuple(dict.fromkeys(sites))


def _places_of(package: str) -> tuple[list[str], str]:
    """All that came with a package, and with what it needs; and the folder it lies in."""
    from importlib import metadata, util

    spec = util.find_spec(package.partition(".")[0]) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise UsageError(
            f"packages: {package!r} can't be imported here. Name it as code imports it, such as 'numpy', and install it."
        )
    home = os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin
    site = os.path.dirname(home)
    places = [home]
    waiting, seen = list(metadata.packages_distributions().get(package, ())), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # an option that isn't installed
            continue
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
        places += [str(distribution.locate_file(top)) for top in sorted(tops)]
        for need in distribution.requires or ():
            if "extra ==" not in need and (match := re.match(r"[A-Za-z0-9._-]+", need)):
                waiting.append(match[0])
    return [place for place in places if os.path.exists(place)], site
