"""What is wanted, how it is checked, what it may cost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeAlias

from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_kind, check_list, check_number, check_text, check_whole
from purpose_agent.core.messages import Json

CheckKind: TypeAlias = Literal["python_tests", "contains", "matches", "equals", "callable"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be true of the answer. Build it with the class methods.

    Attributes:
        kind: How `spec` is read.
        spec: Assertions, a substring, a regular expression, the expected answer, or the name of a function.
        function: For `callable`: takes the answer, returns a bool or raises AssertionError. It is not stored,
            so a task with such a check can't be replayed in another process.
    """

    kind: CheckKind
    spec: str
    function: Callable[[str], object] | None = field(default=None, compare=False)

    @classmethod
    def python(cls, assertions: str) -> "Check":
        """Run the answer's Python code, then `assertions`, in a child process; all must hold.

        Raises:
            UsageError: `assertions` is not Python, or claims nothing: functions that are only defined are not run.
        """
        import ast

        try:
            statements = ast.parse(assertions).body
        except (SyntaxError, ValueError) as error:
            raise UsageError(f"Check.python got assertions that are not Python: {error}.") from error
        silent = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
        if all(isinstance(statement, silent) for statement in statements):
            raise UsageError("Check.python got no top-level assertion; write for example 'assert fib(10) == 55'.")
        return cls("python_tests", assertions)

    @classmethod
    def contains(cls, text: str) -> "Check":
        """The answer contains `text`, letter for letter."""
        return cls("contains", text)

    @classmethod
    def matches(cls, pattern: str) -> "Check":
        """The regular expression `pattern` is found somewhere in the answer.

        Raises:
            UsageError: `pattern` is not a regular expression.
        """
        import re

        try:
            re.compile(pattern)
        except re.error as error:
            raise UsageError(f"Check.matches got {pattern!r}, which is no regular expression: {error}.") from error
        return cls("matches", pattern)

    @classmethod
    def equals(cls, answer: str) -> "Check":
        """The answer is `answer`, apart from case and surrounding white space."""
        return cls("equals", answer)

    @classmethod
    def call(cls, function: Callable[[str], object]) -> "Check":
        """`function(answer)` returns something true. AssertionError is a failed check, with its message."""
        return cls("callable", getattr(function, "__name__", "function"), function)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may spend; the first limit reached ends it as `exhausted`.

    Attributes:
        steps: Decisions, 1 and above.
        seconds: Wall time, or None for no limit.
        tokens: Input and output tokens together, or None.
        usd: US dollars, or None. A call whose price is unknown can't be held to it and ends the run.
        retries: Further attempts within the run after an answer that fails the checks, as far as steps and tokens go.
    """

    steps: int = 20
    seconds: float | None = None
    tokens: int | None = None
    usd: float | None = None
    retries: int = 0

    def __post_init__(self) -> None:
        check_whole(f"Limits(steps={self.steps!r})", self.steps, least=1)
        check_whole(f"Limits(retries={self.retries!r})", self.retries, least=0)
        for name, value in (("seconds", self.seconds), ("tokens", self.tokens), ("usd", self.usd)):
            check_number(f"Limits({name}={value!r})", value, none="no limit")


_LIMITS = tuple(limit.name for limit in fields(Limits))


@dataclass(frozen=True, slots=True)
class Task:
    """What is wanted.

    Attributes:
        goal: In words.
        checks: What must be true of the answer. None given means nobody knows; success is then None.
        limits: What the run may spend; None takes the agent's.
        choices: The admissible answers, if the answer is one of a few.
        inputs: Facts the task comes with; they are part of the first state.
        labels: For grouping and scope, such as {"family": "doors"}. Never shown to a model.
        id: Two tasks with one id are the same task to the learner; empty means "by content".
    """

    goal: str
    checks: tuple[Check, ...] = ()
    limits: Limits | None = None
    choices: tuple[str, ...] = ()
    inputs: Mapping[str, Json] = field(default_factory=dict[str, Json])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    id: str = ""

    def __init__(
        self,
        goal: str,
        checks: "list[Check] | tuple[Check, ...]" = (),
        limits: Limits | None = None,
        choices: "list[str] | tuple[str, ...]" = (),
        inputs: Mapping[str, Json] | None = None,
        labels: Mapping[str, str] | None = None,
        id: str = "",
    ) -> None:
        check_text(f"Task(goal={goal!r:.80})", goal, "say in words what is wanted")
        check_limits(f"Task({goal[:40]!r}, limits={limits!r:.80})", limits)
        if isinstance(choices, str):
            raise UsageError(f"Task(choices={choices!r}): give a list of answers, such as ['yes', 'no'].")
        if len(set(choices)) != len(choices) or any(not choice.strip() for choice in choices):
            raise UsageError(f"Task(choices={list(choices)!r}): choices must be different from each other and not empty.")
        _refuse_what_no_choice_can_pass(checks, choices)
        put = object.__setattr__
        put(self, "goal", goal)
        put(self, "checks", tuple(checks))
        put(self, "limits", limits)
        put(self, "choices", tuple(choices))
        put(self, "inputs", dict(inputs or {}))
        put(self, "labels", dict(labels or {}))
        put(self, "id", id)

    @property
    def family(self) -> str:
        """The label "family": tasks of one family follow the same rules. Empty if it has none."""
        return self.labels.get("family", "")

    @property
    def user(self) -> str:
        """The label "user": for whom it is done. What is learned from it stays with that user. Empty if it has none."""
        return self.labels.get("user", "")

    @property
    def key(self) -> str:
        """Equal for two tasks that are the same to the learner: the id, or 16 hex digits of the content."""
        if self.id:
            return self.id
        import json
        from hashlib import sha256

        content = json.dumps([self.goal, dict(self.inputs), list(self.choices)], sort_keys=True, default=str)
        return sha256(content.encode(errors="replace")).hexdigest()[:16]

    @property
    def replayable(self) -> bool:
        """Whether another process could run and judge this task: it has checks, and all of them are data."""
        return bool(self.checks) and all(check.kind != "callable" for check in self.checks)


def _refuse_what_no_choice_can_pass(checks: Sequence[Check], choices: Sequence[str]) -> None:
    possible = {choice.strip().casefold() for choice in choices}
    for check in checks if choices else ():
        if check.kind == "equals" and check.spec.strip().casefold() not in possible:
            raise UsageError(
                f"Task(choices={list(choices)!r}): the check expects {check.spec!r}, which is none of the choices; no answer"
                " could pass. Correct the one or the other."
            )


def as_task(task: "str | Task") -> Task:
    """A string is a task without checks.

    Raises:
        UsageError: It is neither a text nor a `Task`.
    """
    check_kind(f"{task!r:.80} is no task", task, (str, Task), "give a text that says what is wanted, or a Task")
    return Task(task) if isinstance(task, str) else task


def as_tasks(tasks: "Sequence[str | Task]", call: str) -> "list[Task]":
    """Each a task.

    Args:
        call: Whose argument they are, for the message: "swarm".

    Raises:
        UsageError: It is no list, an empty one, or something in it is no task.
    """
    called, say = f"{call}(tasks={tasks!r:.80})", "give a list of tasks, such as ['Name the capital of France']"
    check_kind(called, None if isinstance(tasks, str) else tasks, Iterable, say)
    check_list(called, given := list(tasks), (str, Task), say, least=1)
    return [as_task(task) for task in given]


def check_limits(call: str, limits: object) -> None:
    """Pass silently if they are `Limits`, or None.

    Args:
        call: What was given, and to whom.

    Raises:
        UsageError: They are something else.
    """
    check_kind(call, limits, (Limits, type(None)), "give Limits, such as Limits(steps=10, seconds=60), or None")


def task_to_json(task: Task) -> dict[str, Any]:
    """A task as plain JSON. Functions in checks are stored by name only."""
    return {
        "goal": task.goal,
        "checks": [{"kind": check.kind, "spec": check.spec} for check in task.checks],
        "limits": None if task.limits is None else asdict(task.limits),
        "choices": list(task.choices),
        "inputs": dict(task.inputs),
        "labels": dict(task.labels),
        "id": task.id,
    }


def task_from_json(data: Mapping[str, Any]) -> Task:
    """The inverse of `task_to_json`, up to functions in checks. Unknown fields are ignored."""
    limits = data.get("limits")
    task = Task(
        goal=data["goal"],
        limits=None if limits is None else Limits(**{key: limits[key] for key in _LIMITS if key in limits}),
        choices=data.get("choices", ()),
        inputs=data.get("inputs"),
        labels=data.get("labels"),
        id=data.get("id", ""),
    )
    # Past the door: a record is read as it was written, also where no answer could have passed.
    checks = tuple(Check(check["kind"], check["spec"]) for check in data.get("checks", ()))
    object.__setattr__(task, "checks", checks)
    return task
