"""One level of the sandbox, even where this machine has a better one."""

from purpose_agent.sandbox.levels import Level
from purpose_agent.sandbox.sandbox import Sandbox


class Exactly(Sandbox):
    """A sandbox of the level that it was asked for, and no other."""

    @property
    def candidates(self) -> tuple[Level, ...]:
        return (self.level,)
