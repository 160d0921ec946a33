"""What coins give to a run and keep from it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from purpose_agent.core.memory import POLICY, Lesson, Memory, MemoryKind, MemoryStatus, Provenance, Recalled
from purpose_agent.core.model import Capabilities
from purpose_agent.core.origin import Origin
from purpose_agent.core.task import Check, Limits, Task
from purpose_agent.engine.recalling import SHOWN_FIRST, Given, Recalling, skills_used
from purpose_agent.engine.run import Setup
from purpose_agent.runtime.events import RunMode
from purpose_agent.testing.models import RuleModel
from purpose_agent.tools.executor import ToolExecutor

TASK = Task("Which way?", choices=["left", "right"], checks=[Check.contains("left")])


def memory(
    name: str,
    status: MemoryStatus = "promoted",
    *,
    used: int = SHOWN_FIRST,
    origin: Origin = "self_verified",
    kind: MemoryKind = "skill_card",
    then: str = "go left",
    supersedes: str | None = None,
) -> Memory:
    lesson = Lesson(kind, "", f"{then}, says {name}", Provenance(origin))
    return Memory(name, lesson, status, datetime(2026, 1, 1, tzinfo=UTC), used, used, version=3, supersedes=supersedes)


def setup(*, model: bool = True, tokens: int = 4000) -> Setup:
    chosen = RuleModel(lambda request: "left", capabilities=Capabilities(context_tokens=tokens)) if model else None
    return Setup("walker", "You walk.", chosen, ToolExecutor(()), None, Limits())


def finding(memories: Sequence[Memory]) -> Callable[..., list[Recalled]]:
    """Whoever asks, and about what: all of them."""

    def found(*_: object, **__: object) -> list[Recalled]:
        return [Recalled(each, 1.0, 1.0) for each in memories]

    return found


def recalling(*memories: Memory, waiting: Sequence[Memory] = (), holdout: float = 0.2) -> Recalling:
    return Recalling(finding(memories), None, holdout, finding(waiting) if waiting else None)


def runs(
    of: Recalling, n: int = 1000, *, mode: RunMode = "learning", who: Setup | None = None, values: bool | None = None
) -> list[Given]:
    return [of.given(who or setup(), TASK, f"run_{number}", mode=mode, values=values) for number in range(n)]


def shown(given: Given) -> set[str]:
    return {found.memory.id for found in given.shown}


def test_a_promoted_memory_is_withheld_from_its_share_of_runs_and_the_event_says_so() -> None:
    given = runs(recalling(memory("mem_1")))
    without = [each for each in given if not each.notes]

    assert 160 < len(without) < 240
    assert all(each.event.withheld == ("mem_1",) for each in without)
    assert all(each.event.withheld == () for each in given if each.notes)
    assert {(each.exposures[0].shown, each.exposures[0].share, each.exposures[0].version) for each in given} == {
        (True, 0.8, 3),
        (False, 0.8, 3),
    }


def test_the_coin_falls_the_same_for_the_same_ids_and_differently_for_others() -> None:
    one, other = recalling(memory("mem_1")), recalling(memory("mem_2"))

    assert runs(one, 100) == runs(one, 100)
    assert [each.exposures[0].shown for each in runs(one, 100)] != [each.exposures[0].shown for each in runs(other, 100)]


def test_the_coins_of_two_memories_are_independent() -> None:
    given = runs(recalling(memory("mem_1"), memory("mem_2")), 4000)
    both = sum(not each.notes for each in given)

    assert 0.03 < both / 4000 < 0.05


def test_after_its_trial_a_memory_is_shown_for_certain_for_a_while() -> None:
    (given, *_) = all_given = runs(recalling(memory("mem_1", used=SHOWN_FIRST - 1)))

    assert all(each.notes for each in all_given)
    assert given.exposures[0].share == 1


@pytest.mark.parametrize("origin", ["user", "operator"])
def test_what_people_taught_is_never_withheld(origin: Origin) -> None:
    given = runs(recalling(memory("mem_1", origin=origin)))
    assert all(each.notes and not each.exposures for each in given)


def test_without_a_holdout_nothing_is_withheld() -> None:
    given = runs(recalling(memory("mem_1"), holdout=0.0))
    assert all(each.notes and each.exposures[0].share == 1 for each in given)


@pytest.mark.parametrize("mode", ["validation", "evaluation"])
def test_no_coin_is_thrown_for_runs_that_are_not_there_to_learn(mode: RunMode) -> None:
    given = runs(recalling(memory("mem_1"), waiting=[memory("mem_2", "quarantined")]), 200, mode=mode)
    assert {(*shown(each), each.exposures) for each in given} == {("mem_1", ())}


def test_no_coin_is_thrown_for_the_runs_of_trials() -> None:
    of = recalling(memory("mem_1"), memory("mem_2"))
    for number in range(100):
        given = of.given(setup(), TASK, f"run_{number}", mode="learning", without_memory="mem_2")
        assert (shown(given), given.exposures) == ({"mem_1"}, ())


def test_what_has_no_room_in_the_prompt_has_no_coin() -> None:
    long = memory("mem_2", then="x" * 2500)
    given = runs(recalling(memory("mem_1"), long), 100, who=setup(tokens=2400))

    assert {exposure.memory_id for each in given for exposure in each.exposures} == {"mem_1"}
    assert {each.left_out for each in given} == {1}


def test_memories_on_live_trial_are_shown_in_half_of_the_runs_each_by_its_own_coin() -> None:
    waiting = [memory(f"mem_{n}", "quarantined", used=0) for n in (2, 3)]
    given = runs(recalling(memory("mem_1"), waiting=waiting, holdout=0.0), 4000)
    ways = {ids: sum(shown(each) == {*ids} for each in given) / 4000 for ids in (
        ("mem_1",), ("mem_1", "mem_2"), ("mem_1", "mem_3"), ("mem_1", "mem_2", "mem_3"))}  # fmt: skip

    assert all(0.22 < share < 0.28 for share in ways.values())
    assert {exposure.share for each in given for exposure in each.exposures if exposure.memory_id != "mem_1"} == {0.5}


def test_nothing_is_on_live_trial_in_a_run_that_nobody_judges() -> None:
    of = recalling(waiting=[memory("mem_2", "quarantined")])
    task = replace(TASK, checks=())

    assert not any(of.given(setup(), task, f"run_{number}", mode="learning").exposures for number in range(50))


def test_what_a_memory_on_live_trial_revises_makes_way_only_where_that_is_shown() -> None:
    newer = memory("mem_2", "quarantined", supersedes="mem_1")
    given = runs(recalling(memory("mem_1"), waiting=[newer], holdout=0.0), 200)

    assert {tuple(shown(each)) for each in given} == {("mem_1",), ("mem_2",)}
    assert all(len(each.exposures) == (1 if shown(each) == {"mem_2"} else 2) for each in given)


def test_values_that_are_withheld_are_not_used() -> None:
    policy = memory("mem_1", kind=POLICY)
    for who in (setup(), setup(model=False)):
        given = runs(recalling(policy), who=who)
        assert all(each.values == bool(each.policies) == each.exposures[0].shown for each in given)
        assert 160 < sum(not each.values for each in given) < 240


def test_without_a_model_values_that_wait_are_explored_by_and_no_coin_is_thrown() -> None:
    waiting = [memory("mem_1", "quarantined", kind=POLICY), memory("mem_2", "quarantined")]
    given = runs(recalling(waiting=waiting), 100, who=setup(model=False))
    assert all(each.values and not each.exposures for each in given)

    given = runs(recalling(waiting=waiting[:1]), 100)
    assert {each.values for each in given} == {True, False}


def test_whoever_says_whether_values_are_used_is_obeyed() -> None:
    policy = memory("mem_1", kind=POLICY)
    assert all(each.values and each.policies and not each.exposures for each in runs(recalling(policy), 50, values=True))
    assert not any(each.values or each.policies for each in runs(recalling(policy), 50, values=False))


def test_a_memory_on_trial_comes_first_in_a_trial() -> None:
    tried = replace(memory("mem_2", "quarantined"), used=0)
    of = recalling(memory("mem_1"), tried)
    given = of.given(setup(), TASK, "run_1", mode="validation", on_trial=tried)

    assert [found.memory.id for found in given.notes] == ["mem_2", "mem_1"]


def test_the_event_has_the_share_of_each_coin_and_whether_values_count() -> None:
    (given,) = runs(recalling(memory("mem_1"), memory("mem_2", origin="user")), 1)
    (valued,) = runs(recalling(memory("mem_3", kind=POLICY)), 1, who=setup(model=False))

    assert given.event.shares == {"mem_1": 0.8}
    assert (given.event.values, valued.event.values) == (False, valued.values)


def test_only_skill_cards_are_skills() -> None:
    kinds: tuple[MemoryKind, ...] = ("skill_card", "failure_pattern")
    found = [Recalled(memory(f"mem_{kind}", kind=kind), 1.0, 1.0) for kind in kinds]

    assert [(used.memory_id, used.version) for used in skills_used(found)] == [("mem_skill_card", 3)]
