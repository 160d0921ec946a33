"""The pipe to another package's process, and the packages behind it where they are installed."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks.learning.conditions import grasp, published
from benchmarks.learning.conditions.peers import (
    HERE,
    Ear,
    Peer,
    PeerFailed,
    PeerFault,
    environment_of,
    peer_python,
)
from benchmarks.learning.conditions.stage import stage_for
from purpose_agent.core.action import Action, command_of
from purpose_agent.core.errors import ModelUnreachable, UsageError
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.ports import ChoiceEnvironment
from purpose_agent.core.state import State
from purpose_agent.core.task import Check, Task
from purpose_agent.testing.models import RuleModel

WAYS = {"red": "left", "blue": "right"}

SCRIPT = f"""
import os, sys
sys.path.insert(0, {str(HERE / "inside")!r})
import pipe

def twice(number):
    print("a package that prints")
    return pipe.ask("add", left=number, right=number)

def carefully():
    try:
        return pipe.ask("model")
    except pipe.Refused as error:
        return str(error)

def broken():
    raise ValueError("the package's own fault")

def variables():
    return sorted(os.environ)

def gone():
    print("good bye", flush=True)
    os._exit(3)

def hang():
    sys.stdin.readline()

pipe.serve(dict(twice=twice, carefully=carefully, broken=broken, variables=variables, gone=gone, hang=hang))
"""


class Rooms:
    """Two rooms; the goal is the second."""

    def reset(self) -> State:
        return State({"room": 1})

    def execute(self, action: Action, current_state: State) -> State:
        return State({"room": 2}) if command_of(action) == "go east" else current_state

    def is_terminal(self, state: State) -> bool:
        return state.values["room"] == 2

    def situation(self, state: State) -> str:
        return f"You are in room {state.values['room']}."

    def admissible(self, state: State) -> Sequence[str]:
        return ["go east", "look around"]

    def reward(self, state: State) -> float:
        return float(self.is_terminal(state))

    def succeeded(self, state: State) -> bool | None:
        return self.is_terminal(state)

    def achieved(self, state: State) -> Sequence[str]:
        return ()


class Doors:
    """Which way at a door: a choice that its colour decides; or two rooms, if it has `steps`."""

    name = "rules/doors"
    control = False

    def __init__(self, steps: int = 1) -> None:
        self.steps = steps

    def training(self, n: int, seed: int) -> Sequence[Task]:
        return [door(number) for number in range(n)]

    def held_out(self, n: int, fold: str) -> Sequence[Task]:
        return [door(1000 + number) for number in range(n)]

    def environment(self, task: Task) -> ChoiceEnvironment | None:
        return Rooms() if self.steps > 1 else None

    def oracle(self, task: Task) -> str:
        return ""


def door(number: int) -> Task:
    colour = list(WAYS)[number % 2]
    return Task(
        f"Which way at the {colour} door number {number}?",
        checks=[Check.equals(WAYS[colour])],
        choices=["left", "right"],
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "fake.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def add(left: int, right: int) -> int:
    return left + right


def unreachable() -> str:
    raise ModelUnreachable("nobody listens")


def test_a_peer_asks_back_while_it_answers_and_what_it_prints_is_kept_apart(script: Path, tmp_path: Path) -> None:
    peer = Peer(Path(sys.executable), script, {"add": add}, tmp_path)

    assert [peer.ask("twice", number=number) for number in (2, 21)] == [4, 42]

    peer.close()
    assert "a package that prints" in (tmp_path / "peer.log").read_text("utf-8")


def test_a_fault_of_the_package_is_told_and_the_peer_goes_on(script: Path, tmp_path: Path) -> None:
    peer = Peer(Path(sys.executable), script, {"add": add}, tmp_path)

    with pytest.raises(PeerFault, match="the package's own fault"):
        peer.ask("broken")

    assert peer.ask("twice", number=1) == 2
    peer.close()


def test_a_model_that_fails_is_the_packages_to_deal_with(script: Path, tmp_path: Path) -> None:
    peer = Peer(Path(sys.executable), script, {"model": unreachable}, tmp_path)

    assert peer.ask("carefully") == "ModelUnreachable: nobody listens"
    peer.close()


def test_a_peer_sees_no_variable_that_could_hold_a_key(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    peer = Peer(Path(sys.executable), script, {}, tmp_path)

    assert "OPENAI_API_KEY" not in peer.ask("variables")
    peer.close()


def test_a_peer_that_ends_leaves_its_last_words(script: Path, tmp_path: Path) -> None:
    peer = Peer(Path(sys.executable), script, {}, tmp_path)

    with pytest.raises(PeerFailed, match="good bye"):
        peer.ask("gone")
    peer.close()


def test_a_peer_that_hangs_is_ended(script: Path, tmp_path: Path) -> None:
    peer = Peer(Path(sys.executable), script, {}, tmp_path, patience=0.3)

    with pytest.raises(PeerFailed, match="was ended"):
        peer.ask("hang")
    peer.close()


def test_a_package_without_known_hashes_is_not_installed() -> None:
    with pytest.raises(PeerFailed, match=r"No hashes are known.*purpose-agent-3\.0\.1"):
        peer_python("unheard-of==1.0")


def test_an_unreachable_registry_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(command: list[str], what: str) -> None:
        if "pip" in command:
            raise PeerFailed(f"Could not {what}")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("benchmarks.learning.conditions.peers._call", fails)

    with pytest.raises(PeerFailed, match="is the package registry reachable"):
        peer_python(published.PACKAGE)

    assert not (environment_of(published.PACKAGE) / "installed").exists()


def test_an_answer_counts_however_a_peer_spells_it() -> None:
    for name, arguments in (("LEFT", {}), ("choose", {"way": "left"}), ("`left`", None)):
        stage = stage_for(Doors(), door(0), told=False)
        stage.act(name, arguments)
        assert stage.success is True


def test_feedback_is_given_in_training_only() -> None:
    told, untold = (stage_for(Doors(), door(0), told=told).act("right", {}) for told in (True, False))

    assert "expected 'left'" in json.dumps(told["state"])
    assert "expected" not in json.dumps(untold["state"])


def test_an_impossible_action_costs_a_step_and_changes_nothing() -> None:
    stage = stage_for(Doors(steps=5), door(0), told=False)

    view = stage.act("fly", {})

    assert (stage.steps, stage.success, view["over"]) == (1, False, False)
    assert stage.act("go_east", {})["over"] is True
    assert (stage.success, stage.score) == (True, 1.0)


def test_the_model_of_a_peer_is_counted() -> None:
    ear = Ear(RuleModel(lambda request: f"seed {request.seed}"), seed=7)

    said = ear.answer([{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}])

    assert said == "seed 7"
    assert ear.usage.calls == 1
    assert ear.acts == [(ear.usage.input_tokens, len("be brief\n\nhello"))]


def test_worlds_without_a_model_are_refused_by_peers_that_need_one(tmp_path: Path) -> None:
    for condition in (published.Published(), grasp.Grasp()):
        with pytest.raises(UsageError, match="model"):
            condition.open(Doors(), tmp_path, "none", 0)


def follows(request: ModelRequest) -> str:
    """Acts as the package's actor should: goes by a colour that memory mentions, else left; distils and scores."""
    if request.purpose == "score":
        return 'phi_before = 1.0\nphi_after = 6.0\nreasoning = "r"\nevidence = "the answer was given"\nconfidence = 0.9'
    if request.purpose == "reflect":
        lesson = {"tier": "strategic", "pattern": "blue door", "strategy": "blue means right"}
        return json.dumps({"heuristics": [lesson]})
    blue = "blue means right" in request.text and "the blue door number" in request.text
    name = "go east" if "go east" in request.text else "right" if blue else "left"
    return json.dumps({"thought": "t", "action": {"name": name, "params": {}}, "expected_delta": "d"})


needs_published = pytest.mark.skipif(
    not (environment_of(published.PACKAGE) / "installed").exists(), reason=f"{published.PACKAGE} is not installed"
)
needs_grasp = pytest.mark.skipif(
    not (environment_of(grasp.PACKAGE) / "installed").exists(), reason=f"{grasp.PACKAGE} is not installed"
)


def with_model(monkeypatch: pytest.MonkeyPatch, model: RuleModel) -> None:
    def resolve(spec: str) -> RuleModel:
        return model

    for module in (published, grasp):
        monkeypatch.setattr(module, "resolve_model", resolve)


@pytest.mark.slow
@needs_published
def test_the_published_package_distils_what_its_own_prompts_then_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_model(monkeypatch, RuleModel(follows))
    world = Doors()
    player = published.Published().open(world, tmp_path, "rule", 0)
    before = player.perform(door(1001), 0)
    for task in world.training(3, 0):
        player.learn(task)
    spent = player.settle()
    after = player.perform(door(1001), 0)
    known = player.known()
    player.close()

    assert (before.success, after.success) == (False, True)
    assert (before.memory_tokens, after.memory_tokens > 0, spent > 0) == (0, True, True)
    assert known["experiences"] == 3
    assert not player.faults


@pytest.mark.slow
@needs_published
def test_an_evaluation_leaves_the_published_package_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_model(monkeypatch, RuleModel(follows))
    player = published.Published(optimize_every=1).open(Doors(), tmp_path, "rule", 0)
    player.learn(door(1))
    before = player.known()
    player.perform(door(1000), 0)
    after = player.known()
    player.close()

    assert before == after


@pytest.mark.slow
@needs_published
def test_the_critic_of_the_published_package_changes_no_held_out_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[tuple[bool | None, int]] = []
    purposes: list[set[str]] = []
    for scored in (False, True):
        model = RuleModel(follows)
        with_model(monkeypatch, model)
        player = published.Published(score_exams=scored).open(Doors(steps=3), tmp_path / str(scored), "rule", 0)
        outcome = player.perform(Task("Get to the second room."), 0)
        player.close()
        outcomes.append((outcome.success, outcome.steps))
        purposes.append({request.purpose for request in model.requests})

    assert outcomes == [(True, 1), (True, 1)]
    assert purposes == [{"act"}, {"act", "score"}]


@pytest.mark.slow
@needs_published
def test_a_new_process_of_the_published_package_has_its_experiences_but_not_its_heuristics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_model(monkeypatch, RuleModel(follows))
    player = published.Published(optimize_every=1).open(Doors(), tmp_path, "rule", 0)
    player.learn(door(1))
    before = player.known()
    player.close()
    again = published.Published().open(Doors(), tmp_path, "rule", 0)
    after = again.known()
    again.close()

    assert before == {"heuristics": [["blue door", "blue means right"]], "experiences": 1}
    assert after == {"heuristics": [], "experiences": 1}


@pytest.mark.slow
@needs_published
def test_the_published_package_acts_in_a_world_that_stays_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_model(monkeypatch, RuleModel(follows))
    player = published.Published().open(Doors(steps=5), tmp_path, "rule", 0)
    outcome = player.perform(Task("Get to the second room."), 0)
    player.close()

    assert (outcome.success, outcome.score, outcome.steps) == (True, 1.0, 1)


@pytest.mark.slow
@needs_grasp
def test_grasp_keeps_a_skill_that_helps_on_its_probes_and_finds_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rule(request: ModelRequest) -> str:
        if request.purpose == "reflect":
            skill = {"action": "ADD", "name": "doors", "description": "door", "content": "blue means right", "tags": ["door"]}
            return json.dumps([skill])
        asked: Mapping[str, str] = {"blue": "right"} if "blue means right" in request.text else {}
        return next((way for colour, way in asked.items() if f"the {colour} door" in request.text), "left")

    with_model(monkeypatch, RuleModel(rule))
    world = Doors()
    player = grasp.Grasp().open(world, tmp_path, "rule", 0)
    before = player.perform(door(1001), 0)
    for task in world.training(12, 0):
        player.learn(task)
    player.settle()
    spent, known = player.spent_steps, player.known()
    player.close()
    again = grasp.Grasp().open(world, tmp_path, "rule", 0)
    after = again.perform(door(1001), 0)
    again.close()

    assert (before.success, after.success) == (False, True)
    assert known == [["doors", "door"]]
    assert spent > 12
    assert after.memory_tokens > before.memory_tokens == 0
