"""GRASP (`grasp-skills` 0.1.0, https://arxiv.org/abs/2605.29668) as a condition, where it fits: tasks of one choice.

In:  a world of choice tasks; a model.
Out: a player that answers with GRASP's library of skills in the prompt, and lets GRASP grow it when it settles.

GRASP learns from a set of tasks, not from one: training tasks are answered with the library as it is and wait; settling
runs one epoch of GRASP's own loop over those that wait, one in five of them as its validation set. Its decisions are
made like ours, as the likeliest of the options, and it is told of a wrong answer what our agents are told. Its writer
has the same model. Worlds of several steps are refused: nothing in the package lists their actions for an agent.
"""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.learning.conditions.peers import HERE, Ear, Peer, PeerFault, peer_python
from benchmarks.learning.conditions.stage import judge
from benchmarks.learning.protocol import Outcome, World
from purpose_agent.core.errors import UsageError
from purpose_agent.core.score import Score
from purpose_agent.core.task import Task
from purpose_agent.critics.checks import failures
from purpose_agent.models.resolve import resolve_model

PACKAGE = "grasp-skills==0.1.0"
SCRIPT = HERE / "inside" / "peer_grasp.py"
FEWEST = 5
"""Tasks that must wait before a cycle has something to learn from and something to validate on."""


@dataclass(frozen=True, slots=True)
class Grasp:
    """GRASP.

    Attributes:
        proposals: Skills proposed for each batch; the package's default is 4.
        probes: Most tasks that a proposal is tried on; the package's default is 20.
        batch: Tasks between two updates.
    """

    name: str = "grasp"
    proposals: int = 2
    probes: int = 10
    batch: int = 10

    def open(self, world: World, folder: Path, model: str, seed: int) -> "GraspPlayer":
        """A player.

        Raises:
            UsageError: `model` is "none", or the world's tasks take several steps.
            PeerFailed: The package could not be installed.
        """
        if model == "none" or world.steps > 1:
            raise UsageError(f"GRASP needs a model and tasks of one choice; asked for {world.name} with {model!r}.")
        settings: dict[str, object] = {
            "epochs": 1,
            "update_every": self.batch,
            "batch_concurrency": 1,
            "grpo_k": self.proposals,
            "grpo_eval_n": self.probes,
            "run_baseline": False,
            "seed": seed,
        }
        return GraspPlayer(folder, Ear(resolve_model(model), seed), seed, settings)


class GraspPlayer:
    """GRASP with its library in `folder`.

    Attributes:
        faults: What the package raised, if anything.
    """

    def __init__(self, folder: Path, ear: Ear, seed: int, settings: dict[str, object]) -> None:
        self.faults: list[str] = []
        self._ear = ear
        self._seed = seed
        self._waiting: dict[str, Task] = {}
        self._spent = 0
        self._peer = Peer(peer_python(PACKAGE), SCRIPT, {"model": ear.answer, "judge": self._judge}, folder, patience=7200)
        self._peer.ask("open", folder=str((folder / "memory").resolve()), settings=settings, proposal_temperature=0.7)

    @property
    def spent_steps(self) -> int:
        """Decisions of the cycles so far: their tasks once more, and the probes."""
        return self._spent

    def learn(self, task: Task) -> Outcome:
        """Answer `task`; it waits for the next cycle."""
        outcome = self.perform(task, self._seed)
        self._waiting[task.key] = task
        return outcome

    def settle(self) -> int:
        """One cycle over what waits, if that is at least `FEWEST` tasks. Returns the tokens it took."""
        if len(self._waiting) < FEWEST:
            return 0
        self._ear.seed = self._seed
        samples = [_sample(task) for task in self._waiting.values()]
        tokens, decisions = self._ear.usage.tokens, len(self._ear.acts)
        try:
            val = samples[::FEWEST]
            self._peer.ask("cycle", dev=[sample for sample in samples if sample not in val], val=val)
        except PeerFault as fault:
            self.faults.append(str(fault))
        self._waiting.clear()
        self._spent += len(self._ear.acts) - decisions
        return self._ear.usage.tokens - tokens

    def perform(self, task: Task, seed: int) -> Outcome:
        """Answer `task` with the library as it is.

        Raises:
            UsageError: `task` has no choices.
        """
        if not task.choices:
            raise UsageError(f"GRASP was given a task without choices: {task.goal[:60]!r}.")
        ear = self._ear
        ear.seed, tokens, waited, started = seed, ear.usage.tokens, ear.seconds, perf_counter()
        prompt = _prompt(task)
        answer = self._peer.ask("decide", prompt=prompt, choices=list(task.choices))
        seconds = perf_counter() - started
        read, length = ear.acts[-1]
        return Outcome(
            success=_passed(judge(task, answer)),
            score=None,
            steps=1,
            tokens=ear.usage.tokens - tokens,
            memory_tokens=round(read * (length - len(prompt)) / max(1, length)),
            memory_seconds=seconds - (ear.seconds - waited),
            seconds=seconds,
        )

    def known(self) -> list[list[str]]:
        """Names and descriptions of the accepted skills."""
        return self._peer.ask("known")

    def close(self) -> None:
        """End its process."""
        self._peer.close()

    def _judge(self, key: str, answer: str) -> dict[str, object]:
        verdict = judge(self._waiting[key], answer)
        return {"passed": _passed(verdict) is True, "feedback": failures(verdict)}


def _prompt(task: Task) -> str:
    facts = "".join(f"\n{name}: {value}" for name, value in task.inputs.items())
    return f"{task.goal}{facts}\n\nAnswer with one of: {', '.join(task.choices)}"


def _sample(task: Task) -> dict[str, object]:
    expected = next((check.spec for check in task.checks if check.kind == "equals"), "")
    return {
        "id": task.key,
        "description": task.goal,
        "type": task.family or "other",
        "prompt": _prompt(task),
        "choices": list(task.choices),
        "answer": expected,
    }


def _passed(verdict: Score) -> bool | None:
    known = [check.passed for check in verdict.checks]
    return None if not known or None in known else all(known)
