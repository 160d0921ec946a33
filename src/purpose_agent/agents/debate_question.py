"""What a council or a quorum asks a person: which answer it shall be.

In:  the trace of its run; what a person said.
Out: the question, as people are shown those about calls; the decision, as its node hands it back.
"""

from collections.abc import Sequence
from typing import Final

from purpose_agent.core.errors import UsageError
from purpose_agent.core.messages import Json
from purpose_agent.runtime.events import AgentFinished, HandedOver, PersonAsked, RunStarted, Verdict
from purpose_agent.runtime.trace import Trace

PERSON: Final = "person"
"""The node that waits."""
DECISION_ID: Final = "decision"
"""The id of the question. No call has it: a run that asks for a decision makes none itself."""


def same(text: str) -> str:
    """Equal for texts that differ only in case, space and the marks around them."""
    return " ".join(text.split()).strip(" .,;:!?\"'`*()").casefold()


def is_asked(trace: Trace) -> bool:
    """A person has to decide, and has not."""
    if trace.finished is not None or not any(part.receiver == PERSON for part in trace.of(HandedOver)):
        return False
    return not any(part.name == PERSON and part.status == "finished" for part in trace.of(AgentFinished))


def question_of(trace: Trace) -> PersonAsked | None:
    """What a run that stands still asks; None: it is no council's or quorum's, or waits for no decision."""
    started = trace.of(RunStarted)[0]
    question = started.state.get("question")
    if not isinstance(question, dict) or trace.suspended is None or not is_asked(trace):
        return None
    options = _options(question)
    told: dict[str, Json] = {"question": question.get("goal"), **({"options": options} if options else {})}
    return PersonAsked(DECISION_ID, started.agent, told, trace.suspended.reason)


def check_answer(run_id: str, asked: PersonAsked, verdict: Verdict, said: str) -> None:
    """Pass silently if that is an answer to the question; to one about a call anything is.

    Raises:
        UsageError: A decision is asked for, and this is none.
    """
    if asked.call_id != DECISION_ID:
        return
    if verdict != "done":
        raise UsageError(
            f"{run_id} asks which answer it shall be, and not whether a call may be made: say it with control({run_id!r}).done(ANSWER),"
            f" or purpose-agent runs done {run_id} ANSWER."
        )
    options = asked.arguments.get("options")
    person_said(said, "", [str(each) for each in options] if isinstance(options, list) else ())


def person_said(decision: str, by: str, options: Sequence[str]) -> dict[str, object]:
    """A person's decision, as their node hands it back.

    Raises:
        UsageError: It is empty, or none of the options.
    """
    decided_on = next((option for option in options if same(option) == same(decision)), None) if options else decision.strip()
    if not decided_on:
        told = f"one of {', '.join(map(repr, options))}" if options else "a text"
        raise UsageError(f"The decision {decision!r} is none: give {told}.")
    return {PERSON: {PERSON: {"decision": decided_on, "by": by}}}


def _options(question: dict[str, Json]) -> list[Json]:
    options = question.get("choices")
    return options if isinstance(options, list) else []
