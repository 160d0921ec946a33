"""GRASP at work, in an environment of its own.

In:  tasks with a few choices; judgements from the benchmark.
Out: prompts for the benchmark's model; a library of skills in `folder`.

`SkillLearningMethod` runs as its documentation has it, with our tasks behind its `Task` interface: its own failure labels,
proposals, probe sets, acceptance and best checkpoint. The wheel ships no base skills, so the template that its skill
writer is told to follow is written here, after the sections that its prompt names.
"""

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pipe

grasp: Any = import_module("grasp")
skill_agent: Any = import_module("grasp.skills.agent")

SKELETON = """---
name: skeleton
description: The form of every skill
---

## When to Use This Skill
Words of the task that tell, before you answer, that this skill applies.

## What to Do
The one thing that you do then.

## Example Trajectory
Wrong: a task, what was answered, and what was expected. Correct: the same task, answered by this skill.
"""


class Agent:
    """Asks the benchmark's model. A decision passes its options as `tools`; the skill writer passes none.

    Args:
        temperature: Of the skill writer.
    """

    def __init__(self, temperature: float = 0.0) -> None:
        self._temperature = temperature

    def inference(self, history: list[dict[str, Any]], tools: list[str] | None = None) -> str:
        messages = [{"role": "user", "content": str(message["content"])} for message in history]
        if tools:
            return pipe.ask("model", purpose="act", messages=messages, choices=tools)
        return pipe.ask("model", purpose="reflect", messages=messages, temperature=self._temperature, max_tokens=1024)


class Tasks(grasp.Task):
    """The benchmark's tasks, as GRASP wants them."""

    name = "choices"
    updater_task_family = "choice"

    def __init__(self, splits: dict[str, list[dict[str, Any]]]) -> None:
        self._splits = splits

    def samples(self, split: str) -> list[dict[str, Any]]:
        return self._splits.get(split, [])

    def rollout(self, sample: dict[str, Any], agent: Any) -> Any:
        asked = [{"role": "user", "content": sample["prompt"]}]
        answer = agent.inference(asked, tools=sample["choices"])
        verdict = pipe.ask("judge", key=sample["id"], answer=answer)
        told = {"role": "user", "content": "Correct." if verdict["passed"] else verdict["feedback"]}
        return grasp.Rollout(
            history=[*asked, {"role": "agent", "content": answer}, told],
            agent_actions=[answer],
            answer=answer,
            raw={"reported_answer": answer, "passed": verdict["passed"]},
        )

    def evaluate(self, sample: dict[str, Any], rollout: Any) -> bool:
        return rollout.raw["passed"]


class Session:
    """One learner, with its library in `folder`/skills/learned."""

    def __init__(self, folder: str, settings: dict[str, Any], proposal_temperature: float) -> None:
        self._folder = Path(folder)
        base = self._folder / "base"
        base.mkdir(parents=True, exist_ok=True)
        (base / "skeleton.md").write_text(SKELETON, encoding="utf-8")
        self._config: dict[str, Any] = {
            "cycle": settings | {"proposal_temperature": proposal_temperature},
            "skills": {"base_dir": str(base)},
            "agent": {"module": f"{__name__}.{Agent.__name__}", "parameters": {}},
        }
        self._skills = grasp.SkillRepository(base, self._folder / "skills" / "learned")

    def decide(self, prompt: str, choices: list[str]) -> str:
        """One answer, with the library as it is."""
        agent = skill_agent.SkillAwareAgent(Agent(), self._skills)
        return agent.inference([{"role": "user", "content": prompt}], tools=choices)

    def cycle(self, dev: list[dict[str, Any]], val: list[dict[str, Any]]) -> None:
        """One epoch of GRASP over `dev`; the best library by `val` is kept."""
        # It restores the best of all checkpoints it finds; the last cycle's were measured on other tasks.
        shutil.rmtree(self._folder / "skills" / "best", ignore_errors=True)
        grasp.SkillLearningMethod(self._config, self._folder, Tasks({"dev": dev, "val": val})).run()

    def known(self) -> list[list[str]]:
        """The skills it has accepted: names and descriptions."""
        return [[skill["name"], skill["description"]] for skill in self._skills.snapshot()]


def _open(folder: str, settings: dict[str, Any], proposal_temperature: float) -> None:
    session = Session(folder, settings, proposal_temperature)
    METHODS.update(decide=session.decide, cycle=session.cycle, known=session.known)


METHODS: dict[str, Callable[..., Any]] = {"open": _open}

if __name__ == "__main__":
    pipe.serve(METHODS)
