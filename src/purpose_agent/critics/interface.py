"""How an answer's function is called, where its task names none.

In:  a task's text, the code of an answer, a sandbox.
Out: a signature under a name of ours, and the answer made to fit it.

Of the answer nothing passes but how many arguments it takes and the plain types it says or shows: its names are words of the actor's
and could speak to whoever writes the assertions. Not here: classes, and functions that take keywords only.
"""

import ast
import itertools
from dataclasses import dataclass

from purpose_agent.core.ports import CodeLimits, CodeRunner
from purpose_agent.critics.examples import names_in
from purpose_agent.critics.programs import literal, outcomes
from purpose_agent.critics.properties import defined_in, hint_of, is_plain_hint

NAME = "asked"
MOST_ARGUMENTS = 6
SAMPLES = {"int": 5, "str": "ab", "list[int]": [3, 1], "float": 2.5}
"""What a function without hints is tried with: the first kind that it takes is what it is for."""
MOST_TRIED = 2
"""Arguments without hints; of more there would be too many kinds to try."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What may be known of an answer before it is judged.

    Attributes:
        head: As in "def asked(a: int) -> str:".
        function: What the answer calls it.
    """

    head: str
    function: str

    def adapt(self, code: str) -> str:
        """The answer, with its function under our name as well."""
        return f"{code}\n\n{NAME} = {self.function}\n"


async def interface_of(runner: CodeRunner, text: str, code: str, limits: CodeLimits | None = None) -> Interface | None:
    """The interface of the last function in `code`; None if the task names its own, or there is no such function."""
    if names_in(text):
        return None
    functions = [node for node in defined_in(code).values() if node is not None and node.name != "main"]
    if not functions:
        return None
    asked = functions[-1]
    needed = asked.args.args[: len(asked.args.args) - len(asked.args.defaults)] or asked.args.args[:1]
    if asked.args.posonlyargs or not 0 < len(needed) <= MOST_ARGUMENTS:
        return None
    hints, gives = [_hint(one.annotation) for one in needed], _hint(asked.returns)
    if not all(hints) and len(hints) <= MOST_TRIED:
        hints, shown = await _tried(runner, code, asked.name, hints, limits)
        gives = gives or shown
    arguments = ", ".join(f"{letter}: {hint}" if hint else letter for letter, hint in zip("abcdef", hints, strict=False))
    return Interface(f"def {NAME}({arguments}){f' -> {gives}' if gives else ''}:", asked.name)


async def _tried(
    runner: CodeRunner, code: str, function: str, hints: list[str], limits: CodeLimits | None
) -> tuple[list[str], str]:
    """Hints of the arguments and of the value, by the first kinds of arguments that the function has an answer to."""
    kinds = list(itertools.product(*([hint] if hint in SAMPLES else SAMPLES for hint in hints)))
    calls = [f"{function}({', '.join(repr(SAMPLES[kind]) for kind in each)})" for each in kinds]
    [row] = await outcomes(runner, [code], calls, limits)
    for each, value in zip(kinds, row, strict=True):
        gave = hint_of(literal(value)) if value is not None else "None"
        if gave != "None":
            return list(each), gave if is_plain_hint(gave) else ""
    return hints, ""


def _hint(annotation: ast.expr | None) -> str:
    said = ast.unparse(annotation) if annotation is not None else ""
    return said if said and is_plain_hint(said) else ""
