"""The published `purpose-agent` 3.0.1 as a condition: the package itself, asking the same model as everybody else.

In:  a world; a model that can be asked ("none" is refused).
Out: a player whose memory is the package's own, kept where the package keeps it.

Used: its orchestrator and actor, its critic Φ, its experience replay, its distillation of heuristics in three tiers, all
with its own prompts and temperatures. Not used, because its orchestrator doesn't use them either: `MemoryStore`, the
immune scan and memory CI, skills, meta-rewarding, hindsight. Its reward is what its critic makes of a change of state;
so in training the state also says what the world's judge said, as a person would have told it.

Known of 3.0.1: heuristics are kept in memory only, so a new process knows none of them (`folder` gets the replay
buffer, without its steps); replay reaches a prompt only through heuristics that nothing attaches to it; and without a
model it acts by canned answers, which is why "none" is refused rather than measured.
"""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.learning.conditions.peers import HERE, Ear, Peer, PeerFault, peer_python
from benchmarks.learning.conditions.stage import Stage, stage_for
from benchmarks.learning.protocol import Outcome, World
from purpose_agent.core.errors import UsageError
from purpose_agent.core.task import Task
from purpose_agent.models.resolve import resolve_model

PACKAGE = "purpose-agent==3.0.1"
SCRIPT = HERE / "inside" / "peer_published.py"


@dataclass(frozen=True, slots=True)
class Published:
    """The published package.

    Attributes:
        optimize_every: Tasks from one distillation to the next. The package's default is 1, which reads up to five
            trajectories again after every task; here it is rarer, for time, and once more at each checkpoint.
        score_exams: Let its critic score held-out tasks too. No decision depends on that here, and it is half of the
            time; without it the tokens of held-out tasks are its actor's only, which flatters the package.
    """

    name: str = "published"
    optimize_every: int = 10
    score_exams: bool = False

    def open(self, world: World, folder: Path, model: str, seed: int) -> "PublishedPlayer":
        """A player.

        Raises:
            UsageError: `model` is "none".
            PeerFailed: The package could not be installed.
        """
        if model == "none":
            raise UsageError("purpose-agent 3.0.1 can't act without a model: its stand-in says 'mock_action' to everything.")
        return PublishedPlayer(world, folder, Ear(resolve_model(model), seed), seed, self)


class PublishedPlayer:
    """The package with its memory in `folder`.

    Attributes:
        faults: What the package raised, one text for each task that it broke off.
    """

    def __init__(self, world: World, folder: Path, ear: Ear, seed: int, settings: Published) -> None:
        self.faults: list[str] = []
        self._world = world
        self._ear = ear
        self._seed = seed
        self._stage: Stage | None = None
        self._peer = Peer(peer_python(PACKAGE), SCRIPT, {"model": ear.answer, "execute": self._execute}, folder)
        self._peer.ask(
            "open",
            folder=str((folder / "memory").resolve()),
            optimize_every=settings.optimize_every,
            score_exams=settings.score_exams,
        )

    @property
    def spent_steps(self) -> int:
        """0: distillation takes no decisions."""
        return 0

    def learn(self, task: Task) -> Outcome:
        """Do `task`; the state says what the judge said."""
        return self._play(task, self._seed, learning=True)

    def settle(self) -> int:
        """Distil what was not yet. Returns the tokens that took."""
        before = self._ear.usage.tokens
        try:
            self._peer.ask("settle")
        except PeerFault as fault:
            self.faults.append(str(fault))
        return self._ear.usage.tokens - before

    def perform(self, task: Task, seed: int) -> Outcome:
        """Do `task` on a copy of what is known."""
        return self._play(task, seed, learning=False)

    def known(self) -> dict[str, object]:
        """Its heuristics as pairs of pattern and strategy, and the number of its experiences."""
        return self._peer.ask("known")

    def close(self) -> None:
        """End its process."""
        self._peer.close()

    def _execute(self, name: str, arguments: object) -> dict[str, object]:
        assert self._stage is not None
        return self._stage.act(name, arguments)

    def _play(self, task: Task, seed: int, *, learning: bool) -> Outcome:
        stage = self._stage = stage_for(self._world, task, told=learning)
        ear = self._ear
        ear.seed, tokens, asked, waited, started = seed, ear.usage.tokens, len(ear.acts), ear.seconds, perf_counter()
        memory, decisions = "", None
        try:
            said = self._peer.ask("play", goal=task.goal, view=stage.view(), steps=self._world.steps, learning=learning)
            memory, decisions = said["memory"], said["steps"]
        except PeerFault as fault:
            self.faults.append(str(fault))
        seconds = perf_counter() - started
        return Outcome(
            success=stage.success,
            score=stage.score,
            steps=stage.steps if decisions is None else decisions,
            tokens=ear.usage.tokens - tokens,
            # By its share of the prompt's characters: the package doesn't count.
            memory_tokens=sum(round(read * len(memory) / max(1, length)) for read, length in ear.acts[asked:]),
            # All that was neither the model nor the world: an upper bound.
            memory_seconds=max(0.0, seconds - (ear.seconds - waited) - stage.seconds),
            seconds=seconds,
        )
