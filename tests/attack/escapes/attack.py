"""What an attack is: a piece of code, and how the host sees whether it worked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from purpose_agent.core.ports import CodeLimits, CodeResult

if TYPE_CHECKING:
    from tests.attack.escapes.ground import Ground

Family: TypeAlias = Literal[
    "file reads", "host secrets", "file writes", "network", "processes", "resources", "integrity", "verdicts"
]
FAMILIES: tuple[Family, ...] = (
    "file reads",
    "host secrets",
    "file writes",
    "network",
    "processes",
    "resources",
    "integrity",
    "verdicts",
)
Need: TypeAlias = Literal["root", "x86-64", "ia32", "x32", "io_uring", "bpf", "userfaultfd", "keyctl", "readline", "new calls"]
LIMITS = CodeLimits(seconds=1.5, memory_mb=256, output_chars=2_000, processes=4, file_mb=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the runner made of an attack.

    Attributes:
        first: None if the runner raised, or did not come back.
        second: Of the innocent execution after it; None if the attack has none.
        passed: Whether its claims counted as passed; None if it makes none.
        trouble: What the runner raised; "" if it came back.
        seconds: Wall time of the first execution, as the host's clock has it.
    """

    first: CodeResult | None
    second: CodeResult | None = None
    passed: bool | None = None
    trouble: str = ""
    seconds: float = 0.0


Judge: TypeAlias = Callable[["Ground", Outcome], str]
"""What the host saw of an attack's success, in words; "" if it saw none."""


@dataclass(frozen=True, slots=True)
class Attack:
    """Code that sets out to do harm.

    Attributes:
        code: A `string.Template`; the ground fills in paths, ports and numbers of processes. No secret ever stands in it.
        seen: Judges by the canaries.
        core: Landlock and seccomp can stop it, without namespaces.
        why_not_core: Why they can't. Told if, and only if, `core` is False.
        packages: What the runner must have declared.
        wants: Names of files that the runner is asked to hand back.
        then: A second, innocent execution with the same runner; also a template.
        claims: Assertions that the code does not honestly fulfil. Such an attack goes through `run_assertions`.
        needs: What the kernel or the user must offer, or else the attack is no attack.
        unsafe_on_bare: Where nothing confines it, `$everyone` is the victim alone.
    """

    name: str
    family: Family
    code: str
    seen: Judge
    core: bool = True
    why_not_core: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    packages: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    limits: CodeLimits = LIMITS
    then: str = ""
    claims: str = ""
    needs: tuple[Need, ...] = ()
    unsafe_on_bare: bool = False

    def __post_init__(self) -> None:
        if self.core == bool(self.why_not_core):
            raise ValueError(f"{self.name}: `why_not_core` is told if, and only if, the attack isn't core.")
