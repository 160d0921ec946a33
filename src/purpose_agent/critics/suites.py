"""The assertions of a task: proposed by a model, by the task's examples and by agreement, and tried before they are used.

In:  a task (never an answer), a model to ask, a sandbox.
Out: a `Suite`: assertions that are valid and that some wrong program fails, each with the weight of its evidence.

Agreement of independent solutions stands in for the truth, after CodeT (https://arxiv.org/abs/2207.10397). Where all of them err in
the same way the suite errs with them; only the task's own examples, which a solution must pass to be heard, hold against that.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from purpose_agent.core.messages import Json, user
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.ports import CodeLimits, CodeRunner
from purpose_agent.core.task import Task
from purpose_agent.critics.asking import Ask
from purpose_agent.critics.examples import Assertion, examples_in, is_literal, names_in, plain_call
from purpose_agent.critics.mutants import mutants
from purpose_agent.critics.programs import Outcome, outcomes, same
from purpose_agent.critics.properties import defined_in, invented_calls

SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {
        "assertions": {
            "type": "array",
            "maxItems": 8,
            "items": {
                "type": "object",
                "properties": {"call": {"type": "string", "maxLength": 200}, "expected": {"type": "string", "maxLength": 200}},
                "required": ["call", "expected"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["assertions"],
    "additionalProperties": False,
}
MOST_PROPOSED = 8
SOLUTIONS = 3
MOST_MUTANTS = 24
MOST_AGREED = 16


@dataclass(frozen=True, slots=True)
class Suite:
    """The assertions a task is judged by, and what became of the others.

    Attributes:
        solutions: Independent solutions that were heard.
        proposed: Readable assertions the model wrote.
        invalid: Those that the solutions contradict as one.
        unsure: Those on which they are of several minds.
        worthless: Those that no wrong program fails.
    """

    assertions: tuple[Assertion, ...]
    solutions: int = 0
    proposed: int = 0
    invalid: int = 0
    unsure: int = 0
    worthless: int = 0


async def build_suite(ask: Ask, runner: CodeRunner, text: str, limits: CodeLimits | None = None) -> Suite:
    """Propose and try assertions for a task. 1 + `SOLUTIONS` model calls, at most about 2,000 tokens written.

    Args:
        text: The task, as `task_text` writes it.

    Raises:
        ModelError: The model could not answer.
    """
    names = names_in(text)
    proposals = await _proposed(ask, text, names) if names else []
    examples = examples_in(text, names)
    programs = await _solutions(ask, text) if names else []
    return await _tried(runner, text, examples, proposals, programs, limits)


def task_text(task: Task) -> str:
    """The goal and the inputs of a task."""
    given = "\n".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value, default=str)}" for name, value in task.inputs.items()
    )
    return f"{task.goal}\n\n{given}" if given else task.goal


async def _proposed(ask: Ask, text: str, names: Sequence[str]) -> list[Assertion]:
    from purpose_agent.models.decode import extract_json_object
    from purpose_agent.prompts.loader import load

    prompt = load("critic_assertions")
    request = ModelRequest(
        messages=(user(prompt.fill(task=text, function=names[0])),),
        schema=SCHEMA,
        temperature=0.0,
        max_tokens=500,
        purpose="score",
    )
    said = (extract_json_object((await ask(request, prompt.version)).text) or {}).get("assertions")
    found: dict[str, Assertion] = {}
    for item in said[:MOST_PROPOSED] if isinstance(said, list) else ():
        call, expected = (item.get("call"), item.get("expected")) if isinstance(item, dict) else (None, None)
        plain = plain_call(call, names) if isinstance(call, str) else None
        if plain is None:
            continue
        # A model often leaves the quotes of a text away; if that is not what it meant, the solutions contradict it.
        value = expected.strip() if isinstance(expected, str) and is_literal(expected) else repr(expected)
        found.setdefault(plain, Assertion(plain, value, "model"))
    return list(found.values())


async def _solutions(ask: Ask, text: str) -> list[str]:
    from purpose_agent.models.decode import extract_code
    from purpose_agent.prompts.loader import load

    prompt = load("critic_solution")
    found: list[str] = []
    for seed in range(1, SOLUTIONS + 1):
        request = ModelRequest(
            messages=(user(prompt.fill(task=text)),), temperature=0.7, seed=seed, max_tokens=500, purpose="score"
        )
        code = extract_code((await ask(request, prompt.version)).text)
        if code is not None and defined_in(code):
            found.append(code)
    return found


async def _tried(
    runner: CodeRunner,
    text: str,
    examples: list[Assertion],
    proposals: list[Assertion],
    programs: list[str],
    limits: CodeLimits | None,
) -> Suite:
    """What is left of all assertions after solutions and mutants have been run on them."""
    if programs:
        known = {name for code in programs for name in defined_in(code)}
        # Tasks speak of more functions than they ask for: "f(n) = f(n - 1) + f(n - 2), write fib".
        examples = [example for example in examples if any(re.search(rf"\b{name}\(", example.call) for name in known)]
    invented = invented_calls(text, programs, [*examples, *proposals])
    calls = list(dict.fromkeys([*(one.call for one in (*examples, *proposals)), *invented]))
    said = await outcomes(runner, programs, calls, limits)
    heard = [
        (code, dict(zip(calls, row, strict=True)))
        for code, row in zip(programs, said, strict=True)
        if all(same(row[calls.index(example.call)], example.expected) for example in examples)
    ]
    if not heard:
        return Suite(tuple(examples), proposed=len(proposals), unsure=len(proposals))
    rows = [row for _, row in heard]
    valid, invalid, unsure = _voted(proposals, rows)
    shown = {one.call for one in examples}
    agreed = _agreed([call for call in calls if call not in shown | {one.call for one in valid}], rows)
    fallen = await _fallen(runner, [code for code, _ in heard], [*valid, *agreed], limits)
    sharp = [one for one in valid if fallen[one.call]]
    return Suite(
        (*examples, *(one for one in sharp if one.call not in shown), *_sharpest(agreed, fallen)),
        solutions=len(heard),
        proposed=len(proposals),
        invalid=invalid,
        unsure=unsure,
        worthless=len(valid) - len(sharp),
    )


def _voted(proposals: Sequence[Assertion], rows: Sequence[Mapping[str, Outcome]]) -> tuple[list[Assertion], int, int]:
    """The proposals that more than half of the solutions bear out; how many are invalid, and how many unsure.

    Where solutions split, wrong programs are told from right ones best; so such an assertion stays, with less weight, if most are
    for it. With half of them or fewer it is more likely wrong than right and would cost right programs more than wrong ones.
    """
    valid, invalid, unsure = list[Assertion](), 0, 0
    for one in proposals:
        votes = [row[one.call] for row in rows]
        # A text like 12 may have been meant as "12".
        agreeing, expected = max((sum(same(vote, said) for vote in votes), said) for said in (repr(one.expected), one.expected))
        if 2 * agreeing > len(votes):
            valid.append(replace(one, expected=expected, weight=_weight(agreeing, len(votes))))
        elif not agreeing and all(same(vote, votes[0]) for vote in votes):
            invalid += 1
        else:
            unsure += 1
    return valid, invalid, unsure


def _agreed(calls: Sequence[str], rows: Sequence[Mapping[str, Outcome]]) -> list[Assertion]:
    """What at least two solutions, and all of them, say of a call. One alone agrees with nobody."""
    found: list[Assertion] = []
    for call in calls if len(rows) > 1 else ():
        votes = [row[call] for row in rows]
        if votes[0] is not None and all(same(vote, votes[0]) for vote in votes):
            found.append(Assertion(call, votes[0], "agreement", _weight(len(votes), len(votes))))
    return found


def _weight(agreeing: int, solutions: int) -> float:
    """Laplace's rule of succession: how likely the next one agrees as well."""
    return (agreeing + 1) / (solutions + 2)


async def _fallen(
    runner: CodeRunner, programs: Sequence[str], assertions: Sequence[Assertion], limits: CodeLimits | None
) -> dict[str, frozenset[int]]:
    """For each call, the mutants that fail it.

    A mutant that fails all of them is no subtle one; it counts only where there is no other.
    """
    wrong = [mutant for code in programs for mutant in mutants(code, most=MOST_MUTANTS // len(programs))]
    said = await outcomes(runner, wrong, [one.call for one in assertions], limits)
    failed = [[not same(value, one.expected) for value, one in zip(row, assertions, strict=True)] for row in said]
    telling = [place for place, row in enumerate(failed) if not all(row)] or range(len(failed))
    telling = [place for place in telling if any(failed[place])] or range(len(failed))
    return {one.call: frozenset(mutant for mutant in telling if failed[mutant][place]) for place, one in enumerate(assertions)}


def _sharpest(assertions: Sequence[Assertion], fallen: Mapping[str, frozenset[int]]) -> list[Assertion]:
    """Up to `MOST_AGREED` that some mutant fails, first those that together find the most mutants."""
    left = [one for one in assertions if fallen[one.call]]
    everything = frozenset[int]().union(*(fallen[one.call] for one in left))
    chosen, uncovered = list[Assertion](), everything
    while left and len(chosen) < MOST_AGREED:
        best = max(left, key=lambda one: (len(fallen[one.call] & uncovered), len(fallen[one.call])))
        if not fallen[best.call] & uncovered:
            uncovered = everything  # each mutant is found once; find them once more, by other inputs
            continue
        left.remove(best)
        chosen.append(best)
        uncovered -= fallen[best.call]
    return chosen
