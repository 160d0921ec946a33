"""What a judgement costs late in a long run, and whether it misses the fact that decides.

In:  a run of two hundred steps, needles, a local model.
Out: the tokens of prompt and answer at some steps, in each mode; needles found.

A needle is found if it is in a prompt, and a scripted critic that searches for it can quote it and be believed: Φ is another
than without it. Whether the real model notices it as well is printed apart, and is no figure.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure, Figures, unmeasured
from benchmarks.phi.account import Account
from benchmarks.phi.attacks.attack import Turn, use
from benchmarks.phi.needles import NEEDLES, Needle
from benchmarks.phi.options import Options
from purpose_agent.core.errors import MissingExtra, NoModelFound
from purpose_agent.core.messages import Json, assistant
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.core.score import PhiMode
from purpose_agent.core.state import State
from purpose_agent.core.task import Task
from purpose_agent.models.resolve import resolve_model
from purpose_agent.runtime.sync import run_sync

STEPS = (1, 10, 50, 200)
MODES: tuple[PhiMode, ...] = ("delta", "standard")
BEFORE = 5.0
MOST_CHARS = 8000
"""Of a prompt that the real model is asked for the sake of a needle."""
WANTED = {
    **{f"delta_tokens_{step}": f"tokens of a judgement by delta at step {step}" for step in STEPS},
    **{f"standard_tokens_{step}": f"tokens of a judgement of the whole state at step {step}" for step in STEPS},
    **{f"judge_tokens_{step}": f"tokens of the plain judge at step {step}" for step in STEPS},
    "needles": "needles hidden, in delta and in standard together",
    "needles_found": "of them, those found",
}
LONG_RUN = Task("Read all the letters in the archive and list everybody who wrote about the mill.", id="phi-long")


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one needle in one mode."""

    needle: Needle
    mode: PhiMode
    shown: bool
    believed: bool
    critic: str
    chars: int


def measure(options: Options) -> Figures:
    """Needles first, which need no model; then tokens, and the real model on needles."""
    hidden = NEEDLES[::5] if options.quick else NEEDLES
    found = run_sync(searched(hidden))
    show(found)
    hits = sum(each.shown and each.believed for each in found)
    figures: Figures = {
        "needles": Figure(WANTED["needles"], len(found)),
        "needles_found": Figure(WANTED["needles_found"], hits, n=len(found)),
    }
    tokens = {name: about for name, about in WANTED.items() if name not in figures}
    try:
        account = Account(resolve_model(options.model))
    except (MissingExtra, NoModelFound) as error:
        return figures | unmeasured(str(error), **tokens)
    for step in STEPS[:2] if options.quick else STEPS:
        for way, spent in run_sync(tokens_at(account, step)).items():
            figures[f"{way}_tokens_{step}"] = Figure(WANTED[f"{way}_tokens_{step}"], spent)
    run_sync(_noticed([each for each in found if each.chars <= MOST_CHARS][: 1 if options.quick else None], account))
    return figures


def long_run(step: int) -> list[Turn]:
    """The steps up to that one; each reads one letter."""
    turns: list[Turn] = []
    values: dict[str, Json] = {}
    for number in range(1, step + 1):
        before = State(dict(values))
        values[f"{number}.1 read_file"] = (
            f"Letter {number}, of {1800 + number}. Dear sister, the river stood {number % 9 + 1} feet high and the wheel of the mill "
            f"turned for {number * 7 % 23} hours. Aunt {'ABCDEFGH'[number % 8]}. sends {number * 11 % 40} eggs. Your brother no. {number}"
        )
        turns.append(Turn(before, use("read_file", path=f"letter{number}.txt"), State(dict(values))))
    return turns


async def tokens_at(account: Account, step: int) -> dict[str, int]:
    """Of one judgement, by each way to judge."""
    from benchmarks.phi.judges import phi_critic, plain_phi
    from purpose_agent.sandbox.sandbox import Sandbox

    turns = long_run(step)
    last, spent = turns[-1], dict[str, int]()
    account.take()
    for mode in MODES:
        critic = phi_critic(Sandbox(), account.ask, mode, window=account.window)
        await critic.score(LONG_RUN, last.before, last.action, last.after, BEFORE)
        spent[mode] = account.take()[0]
    await plain_phi(account.ask, LONG_RUN, turns)
    spent["judge"] = account.take()[0]
    return spent


async def searched(needles: Sequence[Needle]) -> list[Found]:
    """Each needle in each mode, by a critic that does nothing but search."""
    from benchmarks.phi.judges import phi_critic
    from purpose_agent.sandbox.sandbox import Sandbox

    found: list[Found] = []
    for needle in needles:
        for mode in MODES:
            phis: list[float | None] = []
            critics: list[str] = []
            prompts: list[str] = []

            async def ask(
                request: ModelRequest, prompt: str, needle: Needle = needle, prompts: list[str] = prompts
            ) -> ModelResponse:
                prompts.append(request.text)
                return ModelResponse(assistant(search(needle, request.text)))

            for task, turn in ((needle.task, needle.having), (needle.lacking_task, needle.lacking)):
                critic = phi_critic(Sandbox(), ask, mode)
                score = await critic.score(task, turn.before, turn.action, turn.after, BEFORE)
                phis.append(None if score is None else score.after)
                critics.append("" if score is None else score.critic)
            # The two prompts differ in the needle alone: it is in the first of them.
            shown = bool(prompts) and needle.fact in prompts[0]
            believed = phis[0] is not None and phis[1] is not None and phis[0] != phis[1]
            found.append(Found(needle, mode, shown, believed, critics[0], len(prompts[0]) if prompts else 0))
    return found


def search(needle: Needle, prompt: str) -> str:
    """What a critic says that looks for this fact alone: a condition that is not met lowers Φ, progress raises it."""
    seen = needle.fact in prompt
    if needle.in_goal:
        return reply(2 if seen else 7, "Note: the brass key lies under the third tile.")
    return reply(8, needle.fact) if seen else reply(int(BEFORE), "")


def reply(score: int, quote: str) -> str:
    """A critic's reply, with one quote or several as the prompt may ask."""
    return json.dumps({"quote": quote, "quotes": [quote], "score": score, "confidence": 0.9})


async def _noticed(found: Sequence[Found], account: Account) -> None:
    """Print whether the real model's Φ is another with the needle."""
    from benchmarks.phi.judges import phi_critic
    from purpose_agent.sandbox.sandbox import Sandbox

    for each in found:
        phis: list[float | None] = []
        for task, turn in ((each.needle.task, each.needle.having), (each.needle.lacking_task, each.needle.lacking)):
            critic = phi_critic(Sandbox(), account.ask, each.mode, window=account.window)
            score = await critic.score(task, turn.before, turn.action, turn.after, BEFORE)
            phis.append(None if score is None else score.after)
        print(f"The real model, {each.mode}, {each.needle.name}: Φ {phis[0]} with the needle, {phis[1]} without", flush=True)


def show(found: Sequence[Found]) -> None:
    """A row for each needle and mode."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "needle", "mode", "judged by", "in the prompt", "believed", "characters", title="Needles", title_justify="left"
    )
    words: Mapping[bool, str] = {True: "yes", False: "NO"}
    for each in found:
        table.add_row(each.needle.name, each.mode, each.critic, words[each.shown], words[each.believed], str(each.chars))
    Console(width=120).print(table)
