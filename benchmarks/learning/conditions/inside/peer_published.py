"""The published package at work, in an environment of its own.

In:  tasks, and states of a world that stays in the benchmark's process.
Out: actions for that world; prompts for the benchmark's model.

Used as its README's "full control" level has it: `Orchestrator` with `persistence_dir`, so `Actor`, the critic in its
default mode "delta", `ExperienceReplay` and `HeuristicOptimizer` are its own, and so are all prompts. Each of the three
that ask a model gets an `LLMBackend` (the package's extension point) that asks over the pipe.

Two settings differ from the defaults, both in its favour: its critic can't end an episode early (the world says when it
is over), and the list of actions is renewed at each step. It has no mode for evaluation, so an evaluation plays on a
copy of what it has learned, and the copy is thrown away. With early endings off, its critic's scores reach no decision:
unless `score_exams` is set, an evaluation doesn't ask for them.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from typing import Any

import pipe

NEVER = 11.0
"""Above the scale of its Φ."""

pa: Any = import_module("purpose_agent")


class Backend(pa.LLMBackend):
    """Asks the benchmark's model.

    Args:
        purpose: "act", "score" or "reflect".
    """

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose

    def generate(
        self, messages: list[Any], temperature: float = 0.7, max_tokens: int = 2048, stop: list[str] | None = None
    ) -> str:
        return self._ask(messages, temperature=temperature, max_tokens=max_tokens, stop=stop or [])

    def generate_structured(
        self, messages: list[Any], schema: dict[str, Any], temperature: float = 0.3, max_tokens: int = 1024
    ) -> Any:
        # As in its own OpenAI-compatible backend: an answer that is no JSON raises, and the caller falls back to text.
        return json.loads(self._ask(messages, temperature=temperature, max_tokens=max_tokens, schema=schema))

    def _ask(self, messages: list[Any], **settings: object) -> str:
        said = [{"role": message.role, "content": message.content} for message in messages]
        return self._strip_thinking(pipe.ask("model", purpose=self._purpose, messages=said, **settings))


class Silent(Backend):
    """Is never answered; the package then scores nothing and goes on."""

    def _ask(self, messages: list[Any], **settings: object) -> str:
        raise pipe.Refused("Not asked in an evaluation.")


class Bridge(pa.Environment):
    """The benchmark's world, seen from here."""

    def __init__(self) -> None:
        self.actor: Any = None
        self._over = False

    def show(self, view: dict[str, Any]) -> Any:
        """A state of the package from what the benchmark tells; renews what can be done."""
        self._over = view["over"]
        self.actor.available_actions = dict(view["actions"])
        return pa.State(data=view["state"])

    def execute(self, action: Any, current_state: Any) -> Any:
        return self.show(pipe.ask("execute", name=action.name, arguments=action.params))

    def is_terminal(self, state: Any) -> bool:
        return self._over


class Session:
    """One learner.

    Args:
        folder: Where it persists.
        optimize_every: After how many tasks it distils its best trajectories.
        score_exams: Let its critic score evaluations too.
    """

    def __init__(self, folder: str, optimize_every: int, score_exams: bool) -> None:
        self.learner = _orchestrator(Backend("score"), folder, optimize_every)
        self._exam_critic = Backend("score") if score_exams else Silent("score")

    def play(self, goal: str, view: dict[str, Any], steps: int, learning: bool) -> dict[str, Any]:
        """One task. Returns what of its memory the actor was shown, as text, and how many decisions it made."""
        player = self.learner if learning else self._frozen()
        shown = _memory(player.actor)
        result = player.run_task(
            purpose=goal, initial_state=player.environment.show(view), max_steps=steps, early_stop_phi=NEVER
        )
        return {"memory": shown, "steps": result.total_steps}

    def settle(self) -> None:
        """Distil what its schedule has left over."""
        if self.learner.stats["tasks_since_optimize"]:
            self.learner.optimizer.optimize(self.learner.experience_replay.get_top_trajectories(n=5, min_success_rate=0.3))
            self.learner.sync_memory()

    def known(self) -> dict[str, Any]:
        """What it has kept."""
        return {
            "heuristics": [[card.pattern, card.strategy] for card in self.learner.optimizer.heuristic_library],
            "experiences": self.learner.experience_replay.size,
        }

    def _frozen(self) -> Any:
        copy = _orchestrator(self._exam_critic, None, 10**9)
        copy.optimizer.heuristic_library = deepcopy(self.learner.optimizer.heuristic_library)
        copy.experience_replay.records = deepcopy(self.learner.experience_replay.records)
        copy.sync_memory()
        return copy


def _orchestrator(critic: Backend, folder: str | None, optimize_every: int) -> Any:
    world = Bridge()
    made = pa.Orchestrator(
        llm=Backend("act"),
        critic_llm=critic,
        optimizer_llm=Backend("reflect"),
        environment=world,
        persistence_dir=folder,
        optimize_every_n_tasks=optimize_every,
    )
    world.actor = made.actor
    return made


def _memory(actor: Any) -> str:
    parts = [
        (actor.strategic_memory, actor._format_strategic_memory),
        (actor.procedural_memory, actor._format_procedural_memory),
        (actor.tool_memory, actor._format_tool_memory),
    ]
    return "\n".join(written() for known, written in parts if known)


def _open(folder: str, optimize_every: int, score_exams: bool) -> None:
    session = Session(folder, optimize_every, score_exams)
    METHODS.update(play=session.play, settle=session.settle, known=session.known)


METHODS: dict[str, Callable[..., Any]] = {"open": _open}

if __name__ == "__main__":
    pipe.serve(METHODS)
