"""What a council or a quorum asks a person: which answer it shall be.

In:  the trace of its run.
Out: whether a person's decision is waited for.
"""

from typing import Final

from purpose_agent.runtime.events import AgentFinished, HandedOver
from purpose_agent.runtime.trace import Trace

PERSON: Final = "person"
"""The node that waits."""


def is_asked(trace: Trace) -> bool:
    """A person has to decide, and has not."""
    if trace.finished is not None or not any(part.receiver == PERSON for part in trace.of(HandedOver)):
        return False
    return not any(part.name == PERSON and part.status == "finished" for part in trace.of(AgentFinished))
