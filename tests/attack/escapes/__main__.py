"""How many attacks succeed: `python -m tests.attack.escapes [--runner bare|process-only|good|strong] [--family F] [--name N] [--uid U]`."""

import argparse
import asyncio
import time
from typing import Literal, TypeAlias, get_args

from tests.attack.escapes import ATTACKS, FAMILIES, Attack
from tests.attack.escapes.bare import BareRunner
from tests.attack.escapes.exactly import Exactly
from tests.attack.escapes.run import Attempt, attempt

Runner: TypeAlias = Literal["bare", "process-only", "good", "strong"]


async def try_one(attack: Attack, runner: Runner, uid: int | None = None) -> Attempt:
    """A runner of its own for each attack on the bare child: what one leaves is not found by another."""
    if runner != "bare":
        sandbox = Exactly(runner, packages=attack.packages)
        return await attempt(attack, sandbox, confined=runner in ("good", "strong"))
    bare = BareRunner(uid)
    try:
        return await attempt(attack, bare, uid=uid)
    finally:
        bare.close()


async def main() -> None:
    """Print a line for each family, and name the attacks that did not succeed."""
    options = argparse.ArgumentParser(prog="python -m tests.attack.escapes")
    options.add_argument("--runner", choices=get_args(Runner), default="bare")
    options.add_argument("--family", choices=FAMILIES)
    options.add_argument("--name", help="only attacks with this in their name")
    options.add_argument("--uid", type=int, help="as whom the bare child runs")
    options.add_argument("--verbose", action="store_true", help="say of each attack what was seen")
    asked = options.parse_args()
    counts = [0, 0]
    for family in FAMILIES if asked.family is None else (asked.family,):
        chosen = [one for one in ATTACKS if one.family == family and (asked.name or "") in one.name]
        begun = time.monotonic()
        attempts = [await try_one(one, asked.runner, asked.uid) for one in chosen]
        tried = [one for one in attempts if not one.missing]
        won = sum(one.succeeded for one in tried)
        counts = [counts[0] + won, counts[1] + len(tried)]
        print(f"{family:14} {won:3} / {len(tried):3}   {time.monotonic() - begun:.0f} s", flush=True)
        for one in attempts:
            if asked.verbose or not one.succeeded:
                print(f"    {'+' if one.succeeded else '-'} {one.attack.name}: {one.why}", flush=True)
    print(f"{'together':14} {counts[0]:3} / {counts[1]:3}")


if __name__ == "__main__":
    asyncio.run(main())
