"""Mutants: one change each, the same under one seed; and what programs say when they are called."""

import ast
import difflib

import pytest

from purpose_agent.core.ports import CodeLimits
from purpose_agent.critics.mutants import mutants
from purpose_agent.critics.programs import literal, outcomes, same
from purpose_agent.sandbox.sandbox import Sandbox

CODE = '''def kept(xs, least=0):
    """Those above `least`, up to the first three."""
    found = []
    for place in range(len(xs)):
        if xs[place] > least and not (xs[place] % 2 == 0):
            found.append(xs[place] + 1)
    return found[1:3]
'''


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("xs[place] >= least", CODE),
        ("or not", CODE),
        ("% 2 != 0", CODE),
        ("% 3 == 0", CODE),
        ("xs[place] - 1", CODE),
        ("range(len(xs) - 1)", CODE),
        ("found[1:3 + 1]", CODE),
        ("if not (xs[place] > least", CODE),
        ("return None", CODE),
        ("least=1", CODE),
        ("            pass", CODE),
        ("return False", "def yes():\n    return True"),
        ("a -= 1", "def less(a):\n    a += 1\n    return a"),
    ],
)
def test_each_kind_of_change_is_made(change: str, code: str) -> None:
    assert any(change in mutant for mutant in mutants(code, most=1000)), change


def test_every_mutant_is_a_program_one_change_away_and_no_two_are_the_same() -> None:
    found, original = mutants(CODE, most=1000), ast.unparse(ast.parse(CODE)).splitlines()

    assert len(found) == len(set(found)) > 20
    for mutant in found:
        ast.parse(mutant)
        changed = [line for line in difflib.ndiff(original, mutant.splitlines()) if line.startswith("+ ")]
        assert len(changed) == 1, mutant
        assert "Those above `least`, up to the first three." in mutant


def test_mutants_are_bounded_and_the_same_under_one_seed() -> None:
    assert mutants(CODE, most=5, seed=1) == mutants(CODE, most=5, seed=1)
    assert mutants(CODE, most=5, seed=1) != mutants(CODE, most=5, seed=2)
    assert len(mutants(CODE, most=5)) == 5
    assert mutants("def broken(:", most=5) == []


@pytest.mark.anyio
async def test_what_programs_say_is_told_as_literals() -> None:
    program = """
import random, sys
class Odd: pass
def pairs(): return {"b": (1,), "a": [2.5, None]}
def some(): return {"y", "x", "z"}
def odd(): return Odd()
def luck(): return random.random()
def far(): return float("inf")
def leaves(): sys.exit(0)
def loud(): print("x" * 100000); return True
"""
    names = ("pairs", "some", "odd", "luck", "far", "leaves", "loud", "missing")
    said = (await outcomes(Sandbox(), [program], [f"{name}()" for name in names]))[0]

    assert said == ["{'a': [2.5, None], 'b': (1, )}", "{'x', 'y', 'z'}", None, None, None, None, "True", None]
    assert literal(said[0] or "") == {"b": (1,), "a": [2.5, None]}


@pytest.mark.anyio
async def test_a_program_that_ends_or_hangs_the_run_takes_no_other_with_it() -> None:
    programs = [
        "def f(n): return n",
        "import os\ndef f(n): os._exit(0)",
        "def f(n):\n    while True:\n        try:\n            f(n)\n        except BaseException:\n            pass",
        "import time\ntime.sleep(60)\ndef f(n): return n",
        "def f(n): return n + 1",
    ]
    said = await outcomes(Sandbox(), programs, ["f(1)", "f(2)"], CodeLimits(seconds=2.0))

    assert (said[0], said[4]) == (["1", "2"], ["2", "3"])
    assert said[1] == said[2] == said[3] == [None, None]


def test_values_are_compared_as_values() -> None:
    assert same("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}")
    assert same("0.30000000000000004", "0.3")
    assert same("2", "2.0")
    assert not same("[1, 2]", "[2, 1]")
    assert not same(None, None)
    assert not same("1", None)
    assert not same("f(1)", "f(1)")


def test_an_integer_beyond_all_floats_equals_none() -> None:
    assert not same(str(10**400), "3.0")
