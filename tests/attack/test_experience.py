"""A peer's poisoned experience: it may be handed over, and changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.codec import from_json, to_json
from purpose_agent.core.errors import UsageError
from purpose_agent.core.values import Episode
from tests.learning.given import door, doors

NEW = [door(colour, "windmill") for colour in ("red", "blue", "green")]


def experienced(workspace: Path) -> pa.Agent:
    agent = pa.Agent("scout", model="none", workspace=workspace)
    for number, task in enumerate(doors("red", "blue", "green", places=14)):
        agent.run(task, seed=number)
    agent.workspace.settle()
    return agent


def answers(agent: pa.Agent) -> list[str | None]:
    judge = agent.moved(agent.workspace, "evaluation")
    return [judge.run(task, seed=number).answer for number, task in enumerate(NEW * 3)]


def peers(episode: Episode) -> Episode:
    return replace(episode, run_id=f"peer_{episode.run_id}")


def inverted(episode: Episode) -> Episode:
    return replace(episode, steps=tuple(replace(step, reward=1.0 - step.reward) for step in episode.steps))


def praising_the_wrong_way(episode: Episode) -> Episode:
    return replace(
        episode, success=True, steps=tuple(replace(step, reward=float(step.option == "down")) for step in episode.steps)
    )


def exaggerated(episode: Episode) -> Episode:
    return replace(episode, steps=tuple(replace(step, reward=step.reward * 1e9) for step in episode.steps))


def of_one_step(episode: Episode) -> Episode:
    down = next(step for step in episode.steps if step.option == "down")
    return replace(episode, steps=(replace(down, reward=1.0),), success=True)


@pytest.mark.parametrize("poison", [inverted, praising_the_wrong_way, exaggerated, of_one_step])
def test_poisoned_episodes_change_no_choice(poison: Callable[[Episode], Episode], tmp_path: Path) -> None:
    agent = experienced(tmp_path)
    before = answers(agent)
    episodes = agent.workspace.experience("scout", "doors")
    agent.workspace.take_in("scout", [peers(poison(episode)) for episode in episodes])

    assert before == ["left", "right", "up"] * 3
    assert answers(agent) == before
    assert agent.workspace.settle().vouched == 0
    assert answers(agent) == before


def test_poison_before_there_is_any_experience_weighs_nothing_either(tmp_path: Path) -> None:
    other = experienced(tmp_path / "other")
    agent = pa.Agent("scout", model="none", workspace=tmp_path / "new")
    poison = [peers(inverted(episode)) for episode in other.workspace.experience("scout", "doors")]
    agent.workspace.take_in("scout", poison)
    agent.workspace.settle()
    for number, task in enumerate(doors("red", "blue", "green", places=14)):
        agent.run(task, seed=number)
    agent.workspace.settle()

    assert answers(agent) == answers(other)


def test_a_reward_that_is_no_number_is_turned_away(tmp_path: Path) -> None:
    agent = experienced(tmp_path)
    (episode, *_) = agent.workspace.experience("scout", "doors")
    poison = replace(episode, steps=tuple(replace(step, reward=float("nan")) for step in episode.steps))

    with pytest.raises(UsageError, match="no finite number"):
        agent.workspace.take_in("scout", [poison])


def test_what_agrees_is_let_in(tmp_path: Path) -> None:
    agent = experienced(tmp_path)
    episodes = agent.workspace.experience("scout", "doors")
    agent.workspace.take_in("scout", [peers(episode) for episode in episodes[:10]])

    assert agent.workspace.settle().vouched == 10


def test_what_does_not_agree_is_not_handed_on(tmp_path: Path) -> None:
    agent = experienced(tmp_path)
    episodes = agent.workspace.experience("scout", "doors")
    agent.workspace.take_in("scout", [peers(inverted(episode)) for episode in episodes])

    assert agent.workspace.experience("scout", "doors") == episodes


def test_its_own_episodes_taken_in_again_teach_nothing(tmp_path: Path) -> None:
    agent = experienced(tmp_path)
    episodes = agent.workspace.experience("scout", "doors")
    agent.workspace.take_in("scout", [inverted(episode) for episode in episodes], origin="operator")

    assert agent.workspace.experience("scout", "doors") == episodes
    assert answers(agent) == ["left", "right", "up"] * 3


@pytest.mark.parametrize(
    ("bad", "told"),
    [("run_1", "and got str 'run_1'"), ({"run_id": "run_1"}, "and got dict"), (None, "and got NoneType None")],
)
def test_of_a_list_with_something_that_is_no_episode_nothing_is_kept(bad: object, told: str, tmp_path: Path) -> None:
    agent = experienced(tmp_path)
    before = agent.workspace.experience("scout")

    with pytest.raises(UsageError, match=told):
        agent.workspace.take_in("scout", [peers(before[0]), bad], origin="operator")  # type: ignore # pyright: ignore
    assert agent.workspace.experience("scout") == before


def test_an_origin_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    workspace = pa.Workspace(tmp_path)

    with pytest.raises(UsageError, match="no origin 'friend'; there are: operator, user, "):
        workspace.take_in("scout", [], origin="friend")  # type: ignore # pyright: ignore


def test_experience_travels_as_json(tmp_path: Path) -> None:
    episodes = experienced(tmp_path).workspace.experience("scout")

    assert from_json(tuple[Episode, ...], to_json(tuple[Episode, ...], episodes)) == episodes
