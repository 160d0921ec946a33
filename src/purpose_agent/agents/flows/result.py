"""What a workflow came to, read from its trace."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from purpose_agent.core.memory import Memory
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Usage
from purpose_agent.engine.result import short
from purpose_agent.runtime.events import AgentFinished, RunFinished, RunStarted, RunStatus
from purpose_agent.runtime.trace import Trace


@dataclass(frozen=True, slots=True, repr=False)
class WorkflowResult:
    """A flow that is over, or stands still. `str(result)` is its answer.

    Attributes:
        trace: Everything that happened in the flow itself; its agents' runs have traces of their own.
        lessons: What was drawn from its agents' runs in this process, with the status each had when its run was over.
    """

    trace: Trace
    lessons: tuple[Memory, ...] = ()

    @property
    def _end(self) -> RunFinished:
        end = self.trace.end
        assert end is not None, "a result is made of a run that is over, or stands still"
        return end if isinstance(end, RunFinished) else end.as_end()

    @property
    def id(self) -> str:
        """The run's id."""
        return self.trace.run_id

    @property
    def status(self) -> RunStatus:
        """How it ended: "finished", "failed", "exhausted" (its supersteps are spent); or "waiting" for a person."""
        return self._end.status

    @property
    def reason(self) -> str:
        """Which node failed and why, which limit was reached, what is waited for; "" for a plain finish."""
        return self._end.reason

    @property
    def answer(self) -> str | None:
        """The state's "answer" if it has one, else what the last node handed back; None if there is none."""
        return self._end.answer

    @property
    def success(self) -> bool | None:
        """Whether checks hold: those of the node that gave the answer; False if one that failed had failed them; None if nobody judged."""
        return self._end.success

    @property
    def final_phi(self) -> float | None:
        """Φ of the run of the node that gave the answer, 0 to 10, or None."""
        return self._end.phi

    @property
    def state(self) -> Mapping[str, Json]:
        """The state after the last complete superstep."""
        return self.trace.final_state.values

    @property
    def steps(self) -> int:
        """How many supersteps are complete."""
        return self.trace.events[-1].step  # its last word belongs to the last complete one

    @property
    def nodes(self) -> tuple[AgentFinished, ...]:
        """Every attempt of every node, in the order in which they ended."""
        return self.trace.of(AgentFinished)

    @property
    def refused(self) -> tuple[str, ...]:
        """Why calls of its agents were not carried out: a line for each. What an agent says of such a call in its answer is no proof."""
        return tuple(dict.fromkeys(why for node in self.nodes for why in node.refused))

    @property
    def usage(self) -> Usage:
        """What its agents' runs cost."""
        return self._end.usage

    @property
    def seconds(self) -> float:
        """Of work, without the time it stood still."""
        return self._end.seconds or 0.0

    def __repr__(self) -> str:
        return f"WorkflowResult({self.id}, {self.status}, success={self.success}, answer={short(self.answer)})"

    def __str__(self) -> str:
        if self.answer is not None:
            return self.answer
        return f"[{self.status.replace('_', ' ')}{': ' if self.reason else ''}{self.reason}]"

    def summary(self) -> str:
        """The run in a few lines, for people."""
        price = "price unknown" if self.usage.usd is None else f"${self.usage.usd:.4f}"
        name = self.trace.of(RunStarted)[0].agent
        verdict = {True: "checks passed", False: "checks failed", None: "success unknown"}[self.success]
        lines = [
            f"{self.id}: {self.status.replace('_', ' ')}, {verdict}, Φ {_phi(self.final_phi)}, {len(self.lessons)} lessons",
            f"{self.steps} supersteps, {self.usage.tokens} tokens, {price}, {self.seconds:.1f} s, by {name}",
        ]
        if self.reason:
            lines.append(f"reason: {self.reason}")
        for node in self.nodes:
            lines += [_told(node), *(f"refused: {why}" for why in node.refused)]
        return "\n".join([*lines, *(f"lesson ({memory.status}): {memory.lesson.text}" for memory in self.lessons)])


def answer_of(state: Mapping[str, Json], outputs: Mapping[str, Json]) -> str | None:
    """The answer of a flow.

    Args:
        outputs: What the last node that handed anything back wrote.
    """
    said = state.get("answer")
    if said is None and "answer" in outputs:
        return None  # the last node says that there is none
    if said is None and len(outputs) == 1:
        (said,) = outputs.values()
    elif said is None and outputs:
        said = dict(outputs)
    return said if said is None or isinstance(said, str) else json.dumps(said, ensure_ascii=False)


def _phi(phi: float | None) -> str:
    return "unknown" if phi is None else f"{phi:.1f} of 10"


def _told(node: AgentFinished) -> str:
    attempt = f" (attempt {node.attempt})" if node.attempt > 1 else ""
    phi = f", Φ {_phi(node.phi)}" if node.phi is not None else ""
    return f"{node.key}{attempt}: {node.status.replace('_', ' ')}{phi}{': ' if node.error else ''}{node.error}"
