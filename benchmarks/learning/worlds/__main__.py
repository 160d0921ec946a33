"""What choosing at random reaches in each world: `python -m benchmarks.learning.worlds [--fold dev] [--episodes 50]`.

In:  a fold and a number of games.        Out: a table: games won, mean return and length, steps a second.
Not here: learning. This is the floor that learning is compared with.
"""

import argparse
import random
import time
from collections.abc import Sequence

from benchmarks.learning.worlds.babyai import BabyAIWorld, babyai_worlds
from benchmarks.learning.worlds.text import TextWorld, text_worlds
from purpose_agent.core.action import command
from purpose_agent.core.task import Task


def wander(world: TextWorld | BabyAIWorld, task: Task, seed: int) -> tuple[bool, float, int]:
    """One game of random actions: whether it was won, the sum of rewards, the steps."""
    environment, chance = world.environment(task), random.Random(f"{task.id}/{seed}")
    state, total, steps = environment.reset(), 0.0, 0
    while not environment.is_terminal(state):
        state = environment.execute(command(chance.choice(environment.admissible(state)), "random"), state)
        total, steps = total + environment.reward(state), steps + 1
    return bool(environment.succeeded(state)), total, steps


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.worlds", description="Random play, as a floor.")
    parser.add_argument("--fold", choices=("dev", "test"), default="dev")
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    print(f"{'world':20} {'won':>8} {'return':>8} {'steps':>8} {'steps/s':>8}")
    for world in (*text_worlds(), *babyai_worlds()):
        tasks = world.held_out(asked.episodes, asked.fold)
        begun = time.perf_counter()
        games = [wander(world, task, asked.seed) for task in tasks]
        seconds = time.perf_counter() - begun
        won, steps = sum(game[0] for game in games), sum(game[2] for game in games)
        mean = sum(game[1] for game in games) / len(games)
        print(f"{world.name:20} {won:>4}/{len(games):<3} {mean:>8.3f} {steps / len(games):>8.1f} {steps / seconds:>8.0f}")


if __name__ == "__main__":
    main()
