"""A router learns which model is good enough for which tasks, keeps to budgets, and goes on with the next model."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.routing import by_meaning
from purpose_agent.core.messages import Message, Text, ToolCall
from purpose_agent.core.model import Capabilities
from purpose_agent.learning.routing import word_likeness
from purpose_agent.runtime.events import ModelCalled, RouteChosen
from purpose_agent.testing.clock import FrozenClock
from purpose_agent.testing.models import RuleModel

LOCAL = Capabilities(choices=True, local=True, small=True)
REMOTE = Capabilities(choices=True)


class PricedModel(RuleModel):
    """A model elsewhere, with a price for each token."""

    def __init__(self, rule: Callable[[pa.ModelRequest], str], name: str, usd: float | None) -> None:
        super().__init__(rule, name, REMOTE)
        self._usd = usd
        self.tells_usd = False

    def usd_of(self, usage: pa.Usage) -> float | None:
        return None if self._usd is None else usage.tokens * self._usd

    async def generate(self, request: pa.ModelRequest) -> pa.ModelResponse:
        response = await super().generate(request)
        usage = response.usage
        return pa.ModelResponse(
            response.message, pa.Usage(usage.input_tokens, usage.output_tokens, 0, self.usd_of(usage), 1), self.name
        )


def small(name: str = "small") -> RuleModel:
    """Right about sums, wrong about everything else."""
    return RuleModel(lambda request: "5" if "sum" in request.text else "no idea", name, LOCAL)


def big(name: str = "big", capabilities: Capabilities = REMOTE) -> RuleModel:
    """Always right."""
    return RuleModel(lambda request: "5" if "sum" in request.text else "Paris", name, capabilities)


def capital(number: int, user: str = "") -> pa.Task:
    labels = {"family": "capitals"} | ({"user": user} if user else {})
    return pa.Task(f"Name the capital of land {number}", checks=[pa.Check.equals("Paris")], labels=labels)


def total(number: int) -> pa.Task:
    return pa.Task(f"Give the sum of row {number}", checks=[pa.Check.equals("5")], labels={"family": "sums"})


def agent_on(router: pa.Router, folder: Path, name: str = "clerk") -> pa.Agent:
    return pa.Agent(name, model=router, critic=None, workspace=folder)


def chosen_in(result: pa.TaskResult) -> list[str]:
    return [each.model for each in result.trace.of(RouteChosen)]


def test_the_first_run_tries_the_smallest_and_says_why(tmp_path: Path) -> None:
    result = agent_on(pa.Router([small(), big()]), tmp_path).run(total(1))

    (choice,) = result.trace.of(RouteChosen)
    assert choice.model == "small"
    assert "not tried on anything alike yet" in choice.why
    assert [option.model for option in choice.considered] == ["small", "big"]
    assert [option.usd for option in choice.considered] == [0.0, None]
    assert [option.seconds for option in choice.considered] == [None, None]


def test_tasks_that_the_small_model_fails_go_to_the_big_one_at_once_and_others_stay(tmp_path: Path) -> None:
    agent = agent_on(pa.Router([small(), big()]), tmp_path)
    for number in range(4):
        agent.run(capital(number), seed=number)
        agent.run(total(number), seed=number)

    assert chosen_in(agent.run(capital(100), seed=1)) == ["big"]
    assert chosen_in(agent.run(total(100), seed=1)) == ["small"]


def test_the_same_record_gives_the_same_choice(tmp_path: Path) -> None:
    def choices(folder: Path) -> list[list[str]]:
        agent = agent_on(pa.Router([small(), big()]), folder)
        return [chosen_in(agent.run(capital(number), seed=7)) for number in range(5)]

    assert choices(tmp_path / "one") == choices(tmp_path / "two")


def test_what_runs_of_one_model_showed_counts_for_a_router_too(tmp_path: Path) -> None:
    plain = pa.Agent("clerk", model=small(), critic=None, workspace=tmp_path)
    for number in range(4):
        plain.run(capital(number))

    assert chosen_in(agent_on(pa.Router([small(), big()]), tmp_path).run(capital(100))) == ["big"]


def test_where_the_small_model_fails_the_next_one_goes_on_in_the_same_run(tmp_path: Path) -> None:
    first, second = small(), big()

    result = agent_on(pa.Router([first, second]), tmp_path).run(capital(1))

    assert result.success
    assert result.answer == "Paris"
    assert chosen_in(result) == ["small", "big"]
    last = result.trace.of(RouteChosen)[-1]
    assert (last.instead_of, last.why) == ("small", "small gave an answer that failed the checks")
    assert result.usage.calls == len(first.requests) + len(second.requests) == 2
    assert "no idea" not in second.requests[0].text  # it would mend that instead of finding its own
    assert len(pa.Workspace(tmp_path).runs()) == 1


def test_a_model_that_gives_up_hands_over(tmp_path: Path) -> None:
    silent = RuleModel(lambda _: "", "silent", LOCAL)

    result = agent_on(pa.Router([silent, big()]), tmp_path).run(capital(1))

    assert chosen_in(result) == ["silent", "big"]
    assert result.success
    assert result.trace.of(RouteChosen)[-1].why == "silent gave up"


def test_limits_hold_for_all_models_of_a_run_together(tmp_path: Path) -> None:
    agent = pa.Agent("clerk", model=pa.Router([small(), big()]), critic=None, workspace=tmp_path, limits=pa.Limits(steps=1))

    result = agent.run(capital(1))

    assert chosen_in(result) == ["small"]
    assert result.success is False


def test_a_router_that_does_not_escalate_leaves_it_at_that(tmp_path: Path) -> None:
    result = agent_on(pa.Router([small(), big()], escalates=False), tmp_path).run(capital(1))

    assert chosen_in(result) == ["small"]
    assert result.success is False


def test_an_escalated_run_is_a_failure_of_the_first_model_and_a_success_of_the_last(tmp_path: Path) -> None:
    agent_on(pa.Router([small(), big()]), tmp_path).run(capital(1))

    measured = {row.model: row for row in pa.Workspace(tmp_path).routes().measured}

    assert (measured["small"].runs, measured["small"].successes) == (1, 0)
    assert (measured["big"].runs, measured["big"].successes, measured["big"].family) == (1, 1, "capitals")


def test_models_on_this_machine_come_first(tmp_path: Path) -> None:
    assert [model.name for model in pa.Router([big(), small()]).models] == ["small", "big"]


def test_under_a_budget_a_model_whose_price_is_unknown_is_not_asked(tmp_path: Path) -> None:
    result = agent_on(pa.Router([small(), big()], budget=0.01), tmp_path).run(capital(1))

    assert chosen_in(result) == ["small"]
    assert result.success is False
    refused = {option.model: option.refused for option in result.trace.of(RouteChosen)[0].considered}
    assert refused == {"small": "", "big": "its price is unknown, and there are $0.01"}


def test_a_budget_leaves_out_what_would_cost_more(tmp_path: Path) -> None:
    cheap = PricedModel(lambda _: "no idea", "cheap", 1e-6)
    dear = PricedModel(lambda _: "Paris", "dear", 1e-2)

    result = agent_on(pa.Router([cheap, dear], budget=0.01), tmp_path).run(capital(1))

    assert chosen_in(result) == ["cheap"]
    assert not dear.requests
    options = {option.model: option for option in result.trace.of(RouteChosen)[0].considered}
    assert options["cheap"].usd == pytest.approx(0.0025)  # pyright: ignore[reportUnknownMemberType]
    assert options["dear"].refused == "it would cost about $25.000000 of $0.01"


def test_what_the_run_has_spent_counts_before_the_next_model_is_asked(tmp_path: Path) -> None:
    middle = PricedModel(lambda _: "no idea", "middle", 4e-6)  # $0.010 by the first guess
    dear = PricedModel(lambda _: "Paris", "dear", 4.5e-6)  # $0.011

    both = agent_on(pa.Router([middle, dear], budget=0.02), tmp_path / "a").run(capital(1))
    one = agent_on(pa.Router([middle, dear], budget=0.01126), tmp_path / "b").run(capital(1))

    assert chosen_in(both) == ["middle", "dear"]
    assert chosen_in(one) == ["middle"]


def test_where_no_model_may_run_that_is_said_with_the_reasons(tmp_path: Path) -> None:
    agent = agent_on(pa.Router([big(), big("bigger")], budget=0.5), tmp_path)

    with pytest.raises(
        pa.errors.UsageError, match=r"big: its price is unknown.*bigger: its price is unknown.*Raise the budget"
    ):
        agent.run(capital(1))
    assert pa.Workspace(tmp_path).runs() == []


def test_users_learn_nothing_from_each_others_runs(tmp_path: Path) -> None:
    agent = agent_on(pa.Router([small(), big()]), tmp_path)
    for number in range(4):
        agent.run(capital(number, user="ann"))

    assert chosen_in(agent.run(capital(100, user="ann")))[0] == "big"
    bobs = agent.run(capital(100, user="bob"))
    assert chosen_in(bobs)[0] == "small"
    assert all(option.runs == 0 for option in bobs.trace.of(RouteChosen)[0].considered)
    assert {row.goal for row in pa.Workspace(tmp_path).routes(user="bob").chosen} == {capital(100).goal}
    assert chosen_in(agent.run(capital(101)))[0] == "small"


def test_runs_of_an_evaluation_teach_nothing_and_ask_the_record(tmp_path: Path) -> None:
    agent = agent_on(pa.Router([small(), big()]), tmp_path)
    for number in range(4):
        agent.run(capital(number))
    measuring = pa.Agent("clerk", model=pa.Router([small(), big()]), critic=None, workspace=tmp_path, mode="evaluation")

    assert chosen_in(measuring.run(capital(100))) == ["big"]
    assert len(pa.Workspace(tmp_path).runs()) == 4


def test_a_model_that_takes_too_long_is_left_out_once_that_was_measured(tmp_path: Path) -> None:
    clock = FrozenClock()

    def slowly(request: pa.ModelRequest) -> str:
        clock.advance(30.0)
        return "5"

    place = pa.Workspace(tmp_path, clock=clock)
    slow = RuleModel(slowly, "slow", LOCAL)
    agent = pa.Agent("clerk", model=pa.Router([slow, big()], latency=10.0), critic=None, workspace=place)

    first, second = agent.run(total(1)), agent.run(total(2))

    assert (chosen_in(first), chosen_in(second)) == (["slow"], ["big"])
    options = second.trace.of(RouteChosen)[0].considered
    assert (options[0].seconds, options[0].refused) == (30.0, "it takes about 30.0 s of 10 s")


def test_a_task_s_own_limits_are_bounds_too(tmp_path: Path) -> None:
    limited = pa.Task("Name the capital", checks=[pa.Check.equals("Paris")], limits=pa.Limits(usd=0.01))

    result = agent_on(pa.Router([small(), big()]), tmp_path).run(limited)

    assert chosen_in(result) == ["small"]


def test_a_run_that_goes_on_keeps_the_model_it_had(tmp_path: Path) -> None:
    answers = [pa.errors.ModelUnreachable("away"), "Paris"]

    def now_and_then(request: pa.ModelRequest) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    agent = agent_on(pa.Router([small(), RuleModel(now_and_then, "big", REMOTE)]), tmp_path)
    stopped = agent.run(capital(1))
    assert stopped.status == "failed"
    assert chosen_in(stopped) == ["small", "big"]

    result = agent.resume(stopped.id)

    assert result.success
    assert chosen_in(result) == ["small", "big"]
    assert [each.model for each in result.trace.of(ModelCalled)] == ["small", "big", "big"]


def test_a_run_whose_model_is_gone_is_given_another_and_says_so(tmp_path: Path) -> None:
    def away(request: pa.ModelRequest) -> str:
        raise pa.errors.ModelUnreachable("away")

    stopped = agent_on(pa.Router([RuleModel(away, "gone", LOCAL), big()]), tmp_path).run(capital(1))
    assert chosen_in(stopped) == ["gone"]

    result = agent_on(pa.Router([big()]), tmp_path).resume(stopped.id)

    assert result.success
    assert chosen_in(result) == ["gone", "big"]


def test_a_model_that_can_t_be_reached_is_a_failed_run_and_counts_against_it(tmp_path: Path) -> None:
    def away(request: pa.ModelRequest) -> str:
        raise pa.errors.ModelUnreachable("away")

    agent = agent_on(pa.Router([RuleModel(away, "gone", LOCAL), big()]), tmp_path)
    statuses = [agent.run(capital(number)).status for number in range(4)]

    assert statuses[0] == "failed"
    assert statuses[-1] == "finished"


def test_what_tools_did_is_told_to_a_model_that_is_offered_them_as_text(tmp_path: Path) -> None:
    @pa.tool
    def look(at: str) -> str:
        """Look at something."""
        return f"{at} is in France"

    def native(request: pa.ModelRequest) -> pa.ModelResponse:
        if "is in France" not in request.text:
            return pa.ModelResponse(Message("assistant", (ToolCall("c1", "look", {"at": "the land"}),)))
        return pa.ModelResponse(Message("assistant", (Text("no idea"),)))

    second = RuleModel(lambda _: '{"answer": "Paris"}', "second", Capabilities(native_tools=False, local=True))
    router = pa.Router([RuleModel(native, "first", LOCAL), second])
    agent = pa.Agent("clerk", model=router, critic=None, tools=[look], workspace=tmp_path)

    result = agent.run(capital(1))

    assert chosen_in(result) == ["first", "second"]
    assert result.success
    told = second.requests[0]
    assert not told.tools
    assert "look({'at': 'the land'})" in told.text
    assert "the land is in France" in told.text
    assert all(isinstance(part, Text) for message in told.messages for part in message.parts)


def test_members_of_a_team_may_have_routers(tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path)
    members = [pa.Agent(name, model=pa.Router([small(), big()]), critic=None, workspace=place) for name in ("one", "two")]

    result = pa.Team.build("Know capitals", members, workspace=place).run(capital(1))

    assert result.success
    assert {row.agent for row in place.routes().chosen} == {"one", "two"}


def test_reflection_is_on_the_model_that_did_the_run(tmp_path: Path) -> None:
    agent = agent_on(pa.Router([small(), big()]), tmp_path)
    escalated, plain = agent.run(capital(1)), agent.run(total(1))

    assert [setup.model and setup.model.name for setup in (agent.setup(like=escalated.id), agent.setup(like=plain.id))] == [
        "big",
        "small",
    ]


def test_both_halves_of_a_trial_are_on_one_model_whatever_the_router_would_choose(tmp_path: Path) -> None:
    def noted(request: pa.ModelRequest) -> str:
        return "Paris" if "Paris" in request.text else "no idea"

    models = [RuleModel(noted, "small", LOCAL), big()]
    agent = agent_on(pa.Router(models, enough=0.01, escalates=False), tmp_path)
    for number in range(12):
        agent.run(capital(number), seed=number)
    agent = agent_on(pa.Router(models), tmp_path)

    settled = agent.workspace.settle()

    trials = [run for run in agent.workspace.runs(limit=200) if run.mode == "validation"]
    assert settled.runs == len(trials) > 0
    assert {run.model for run in trials} == {"small"}
    assert not any(agent.workspace.trace(run.id).of(RouteChosen) for run in trials)


def test_a_run_that_was_cut_off_right_after_the_next_model_was_chosen_goes_on_as_it_would_have(tmp_path: Path) -> None:
    second = big()
    agent = agent_on(pa.Router([small(), second]), tmp_path)

    whole = agent.run(capital(1))
    asked = second.requests.pop().messages
    forked = agent.workspace.fork(whole.id, at=1)
    result = agent.resume(forked)

    assert result.success
    assert chosen_in(result) == ["small", "big"]
    assert second.requests[0].messages == asked


class Colours:
    """Every text that names a colour lies on one axis, all others on the other."""

    fingerprint = "colours"
    floor = 0.5

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [[2.0, 0.0] if "red" in text or "blue" in text else [0.0, 3.0] for text in texts]


def test_with_an_embedder_tasks_of_other_words_are_alike_by_meaning() -> None:
    likeness = by_meaning(Colours())

    assert likeness("paint red", "dye blue") == 1.0
    assert likeness("paint red", "count sheep") == 0.0
    assert word_likeness("paint red", "dye blue") == 0.0
