"""What a run's decisions among options teach the replay."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import purpose_agent as pa
from purpose_agent.core.score import MAX_PHI
from purpose_agent.core.state import State
from purpose_agent.core.values import Episode, Experienced
from purpose_agent.learning.experience import REACHED, RELABELLED, Taught, experience_of, in_hindsight
from purpose_agent.learning.trial import is_held_out
from purpose_agent.memory.replay import Replay
from purpose_agent.memory.returns import GAMMA
from purpose_agent.runtime.database import Database
from purpose_agent.runtime.events import Event, StepScored
from purpose_agent.runtime.trace import Trace
from purpose_agent.testing.models import RuleModel
from tests.engine.worlds import Corridor

WAYS = ("left", "right", "up")


def question(number: int, **more: object) -> pa.Task:
    task = pa.Task(f"Which way at door {number}?", choices=WAYS, checks=[pa.Check.equals("left")], labels={"family": "doors"})
    return replace(task, **more)  # type: ignore # pyright: ignore


TRAINING = next(task for number in range(50) if not is_held_out(task := question(number)))
HELD_OUT = next(task for number in range(50) if is_held_out(task := question(number)))


def taught(agent: pa.Agent, task: pa.Task, seed: int = 1) -> tuple[Taught, ...]:
    result = agent.run(task, seed=seed)
    return experience_of(agent.workspace.run(result.id), lambda: agent.workspace.trace(result.id))


def answering(answer: str, workspace: Path) -> pa.Agent:
    return pa.Agent("porter", model=RuleModel(lambda request: answer), critic=None, workspace=workspace)


@pytest.mark.parametrize("answer", ["left", "up"])
def test_of_a_choice_every_alternative_is_judged_whatever_was_taken(answer: str, tmp_path: Path) -> None:
    (found,) = taught(answering(answer, tmp_path), TRAINING)

    assert [(step.option, step.reward) for step in found.episode.steps] == [("left", 1.0), ("right", 0.0), ("up", 0.0)]
    assert (found.episode.apart, found.episode.success, found.note) == (True, answer == "left", "")


def test_where_the_right_answer_stays_unknown_only_the_failure_is_told(tmp_path: Path) -> None:
    unknown = question(1, checks=(pa.Check.matches("left|right"),))
    unknown = next(task for number in range(50) if not is_held_out(task := replace(unknown, goal=f"Which way, {number}?")))
    (found,) = taught(answering("up", tmp_path), unknown)

    assert [(step.option, step.reward) for step in found.episode.steps] == [("up", 0.0)]


def test_tasks_held_out_for_trials_teach_nothing_where_a_model_chooses(tmp_path: Path) -> None:
    assert taught(answering("up", tmp_path), HELD_OUT) == ()


def test_without_a_model_they_teach_after_they_were_played(tmp_path: Path) -> None:
    agent = pa.Agent("porter", model="none", workspace=tmp_path)

    assert len(taught(agent, HELD_OUT)) == 1


def test_a_run_nobody_judged_teaches_nothing(tmp_path: Path) -> None:
    agent = pa.Agent("porter", model="none", workspace=tmp_path)

    assert taught(agent, question(1, checks=())) == ()


def test_steps_in_a_world_are_told_with_their_rewards_and_options(tmp_path: Path) -> None:
    agent = pa.Agent("walker", model="none", environment=Corridor(2), workspace=tmp_path)
    (found,) = taught(agent, pa.Task("Reach the end", limits=pa.Limits(steps=200)))

    steps = found.episode.steps
    assert (found.episode.success, found.episode.apart) == (True, False)
    assert {step.situation for step in steps} == {"You are in room 0."}
    assert [step.reward for step in steps] == [-0.1] * (len(steps) - 1) + [1.0]
    assert {step.options for step in steps} == {("west", "east")}
    assert {step.shaping for step in steps} == {0.0}


class Measured(Corridor):
    def progress(self, state: State) -> float | None:
        room = state.values["room"]
        assert isinstance(room, int)
        return MAX_PHI * room / (self.rooms - 1)


def test_where_the_world_measures_progress_it_is_told_beside_the_reward_and_ends_at_0(tmp_path: Path) -> None:
    def eastward(request: pa.ModelRequest) -> str:
        return "east"

    task = next(task for n in range(50) if not is_held_out(task := pa.Task(f"Reach end {n}", limits=pa.Limits(steps=9))))
    agent = pa.Agent("walker", model=RuleModel(eastward), environment=Measured(3), workspace=tmp_path)
    (found,) = taught(agent, task)

    assert [step.reward for step in found.episode.steps] == [-0.1, 1.0]
    assert [step.shaping for step in found.episode.steps] == [pytest.approx(GAMMA * 0.5), pytest.approx(-0.5)]


def walk(folder: Path, moves: str, sure_of: Callable[[int], float]) -> Episode:
    """What a run in rooms 0 to 3 teaches, of which the judge of a step into room n is `sure_of(n)`; "e" is east, "w" is west."""
    asked = iter({"e": "east", "w": "west"}[move] for move in moves)
    limits = pa.Limits(steps=len(moves))
    task = next(task for n in range(50) if not is_held_out(task := pa.Task(f"Reach end {n}", limits=limits)))
    model = RuleModel(lambda request: next(asked, "-"))
    agent = pa.Agent("walker", model=model, environment=Measured(4), workspace=folder)
    result = agent.run(task)

    def doubted(event: Event) -> Event:
        match event.payload:
            case StepScored(score=score) if score.after is not None:
                confidence = sure_of(round(score.after / MAX_PHI * 3))
                return replace(event, payload=StepScored(replace(score, confidence=confidence)))
            case _:
                return event

    trace = Trace(tuple(map(doubted, agent.workspace.trace(result.id).events)))
    return experience_of(agent.workspace.run(result.id), lambda: trace)[0].episode


def value_of_east(folder: Path, confidence: float) -> float:
    """In room 2, as learned from one run."""
    episode = walk(folder / "run", "eee", lambda room: confidence)
    replay = Replay(Database(folder / "values.db"))
    replay.learn("walker", episode)
    last = episode.steps[2]
    ranked = replay.rank(pa.Task(episode.goal), "walker", last.situation, last.options, episode.steps[:2], draws=Random(1))
    (found,) = [each.mean for each in ranked if each.option == "east" and each.mean is not None]
    return found


def test_the_less_sure_phi_is_the_less_it_moves_the_values_that_are_learned(tmp_path: Path) -> None:
    unsure, doubtful, sure = (value_of_east(tmp_path / str(confidence), confidence) for confidence in (0.0, 0.3, 1.0))

    assert abs(sure - unsure) > 0.1
    assert doubtful - unsure == pytest.approx(0.3 * (sure - unsure))


@pytest.mark.parametrize("times", [1, 4])
def test_going_to_and_fro_between_states_of_which_one_is_surely_judged_earns_nothing(times: int, tmp_path: Path) -> None:
    """Up where the judge is sure, down where it is not: gains weighted step by step would be kept."""
    episode = walk(tmp_path, "e" + "ew" * times, {1: 0.1, 2: 1.0}.__getitem__)

    assert [step.shaping for step in episode.steps[:2]] == [pytest.approx(GAMMA / 30), pytest.approx(GAMMA * 2 / 3 - 1 / 30)]
    assert sum(GAMMA**number * step.shaping for number, step in enumerate(episode.steps)) == pytest.approx(0.0)


def test_a_failure_is_told_again_as_a_success_at_what_it_reached(tmp_path: Path) -> None:
    agent = pa.Agent("walker", model="none", environment=Corridor(30), workspace=tmp_path)
    what_happened, hindsight = taught(agent, pa.Task("Reach the end", limits=pa.Limits(steps=6)))

    assert (what_happened.episode.success, what_happened.note) == (False, "")
    assert (hindsight.episode.success, hindsight.note) == (True, RELABELLED)
    assert hindsight.episode.goal.startswith("be in room")
    assert [step.reward for step in hindsight.episode.steps][-1] == REACHED


def step(option: str, *goals: str, reward: float = 0.0) -> Experienced:
    return Experienced("To find: gold.", option, reward, goals=goals, shaping=0.3)


def test_in_hindsight_the_step_that_reached_it_first_is_the_last_one() -> None:
    episode = Episode("run_1", "gold", "", (step("dig"), step("dig deep", "silver"), step("rest", "silver")), False)
    told = in_hindsight(episode)

    assert told is not None
    assert (told.goal, told.success) == ("silver", True)
    assert [(each.option, each.reward, each.shaping) for each in told.steps] == [("dig", 0.0, 0.0), ("dig deep", REACHED, 0.0)]
    assert {each.situation for each in told.steps} == {"To find: silver."}


def test_what_held_after_the_first_step_may_have_held_before_and_is_no_achievement() -> None:
    episode = Episode("run_1", "gold", "", (step("dig", "silver"), step("rest", "silver", "iron")), False)

    told = in_hindsight(episode)
    assert told is not None
    assert told.goal == "iron"
    assert in_hindsight(replace(episode, steps=episode.steps[:1])) is None


def test_whoever_reached_nothing_else_has_no_hindsight() -> None:
    assert in_hindsight(Episode("run_1", "gold", "", (step("dig"), step("dig", "gold")), False)) is None
