"""The whole exception tree, shaped by what the caller can do about each.

    PurposeAgentError
    ├── UsageError              the call is wrong: change the call
    │   ├── UnknownModel        no such provider, or a spec that can't be read
    │   ├── MissingKey          a provider needs a key, and its variable is not set
    │   ├── MissingExtra        an optional package is needed: install the extra
    │   └── InvalidTool         a function that can't be offered as a tool
    ├── NoModelFound            nothing to generate tokens with: install or start one
    ├── ModelError              the model's side failed
    │   ├── ModelUnreachable    nobody answers at the address
    │   ├── ModelRefused        the server answered with an error: key, quota, bad request
    │   ├── ModelTimeout        no answer within the time allowed
    │   └── ModelOutputError    an answer arrived that breaks the protocol
    ├── WeightsError            a model file can't be had
    │   ├── DiskFull            not enough room for it
    │   └── HashMismatch        the bytes are not the pinned ones; the file was discarded
    ├── ToolError               a tool's own, foreseen failure: shown to the model
    ├── LimitReached            a run spent what it was allowed: steps, tokens, seconds, usd
    │   └── PoolSpent           several runs together did: those of a flow or a swarm
    ├── GateError               a memory's status can't change that way
    │   ├── NotQuarantined      only a quarantined memory can be promoted or rejected by trial
    │   └── TrialInconclusive   the report doesn't carry the decision
    └── WorkspaceError          the folder or its database can't be used
        ├── NewerWorkspace      written by a newer version of this package
        ├── NotInThisMode       the run under way may not write that: evaluation writes nothing
        ├── NotFound            no run or memory has that id
        ├── RunTaken            another process goes on with the run
        └── CantResume          the run is over, or lacks what it needs to go on

What is not here: cancellation (`asyncio.CancelledError`, `KeyboardInterrupt`) always passes through as itself.
"""


class PurposeAgentError(Exception):
    """Everything this package raises on purpose."""


class UsageError(PurposeAgentError):
    """The call can't work as written; the message says how it would."""


class UnknownModel(UsageError):
    """No provider or model goes by that spec."""


class MissingKey(UsageError):
    """A provider needs a key; the message names the environment variable that holds it."""


class MissingExtra(UsageError):
    """An optional package is missing; the message names the extra that brings it."""


class InvalidTool(UsageError):
    """A function's signature can't be turned into a tool."""


class NoModelFound(PurposeAgentError):
    """Nothing on this machine can generate tokens; the message lists what was looked for."""


class ModelError(PurposeAgentError):
    """A model could not answer."""


class ModelUnreachable(ModelError):
    """No server answers at the model's address."""


class ModelRefused(ModelError):
    """The server answered with an error.

    Attributes:
        status: The HTTP status code.
        retry_after: Seconds the server asks to wait, or None if it didn't say.
    """

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class ModelTimeout(ModelError):
    """The model did not answer in time."""


class ModelOutputError(ModelError):
    """The server's answer breaks its own protocol (not JSON, no choices, a broken stream)."""


class WeightsError(PurposeAgentError):
    """A local model's file can't be had or can't be trusted."""


class DiskFull(WeightsError):
    """There is no room for the weights."""


class HashMismatch(WeightsError):
    """The bytes that arrived are not the pinned ones; they were discarded."""


class ToolError(PurposeAgentError):
    """A tool's own, foreseen failure. The model sees the message and may try again."""


class SandboxUnavailable(PurposeAgentError):
    """Code was not run, because nothing here holds it well enough; the message has the reason and the ways out."""


class LimitReached(PurposeAgentError):
    """A run has spent one of its limits.

    Attributes:
        limit: Which one: "steps", "tokens", "seconds" or "usd".
    """

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class PoolSpent(LimitReached):
    """The runs of a flow or a swarm have spent together what they may; what is done of each stays, and it can go on with more."""


class GateError(PurposeAgentError):
    """The gate refuses to change a memory's status that way."""


class NotQuarantined(GateError):
    """Only a quarantined memory can be promoted or rejected by a trial."""


class TrialInconclusive(GateError):
    """The trial's report doesn't carry the decision asked for."""


class WorkspaceError(PurposeAgentError):
    """The workspace folder or its database can't be used."""


class NewerWorkspace(WorkspaceError):
    """The workspace was written by a newer version of this package."""


class NotInThisMode(WorkspaceError):
    """Something would be written that the mode of the run under way doesn't allow; nothing was."""


class NotFound(WorkspaceError):
    """Nothing in the workspace has that id."""


class RunTaken(WorkspaceError):
    """Another process goes on with the run; nothing was written."""


class CantResume(WorkspaceError):
    """The run can't go on: it is over, still under way, or needs what this process doesn't have; the message says which."""
