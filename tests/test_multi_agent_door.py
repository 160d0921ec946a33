"""The door `purpose_agent.multi_agent`: the calls of the contract, as they are written there."""

from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.action import Action
from purpose_agent.core.model import ModelRequest
from purpose_agent.core.state import State
from purpose_agent.multi_agent import AgentSpec, AgentTeam
from purpose_agent.testing.models import RuleModel


class Room:
    """Nothing can be done in it."""

    def reset(self) -> State:
        return State({"door": "shut"})

    def execute(self, action: Action, current_state: State) -> State:
        return current_state

    def is_terminal(self, state: State) -> bool:
        return False


@pa.tool
def search(query: str) -> str:
    """Search the web."""
    return f"nothing about {query}"


def answers(request: ModelRequest) -> str:
    return "coder" if request.purpose == "delegate" else "{}" if request.purpose in ("score", "reflect") else "Done."


def test_the_calls_of_the_contract_run_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PURPOSE_AGENT_HOME", raising=False)
    model, my_env = RuleModel(answers), Room()
    researcher = AgentSpec(
        name="researcher",
        role="Find and synthesize information from the web",
        tools=[search],
        model=model,
        expertise_keywords=["research", "papers"],
        max_steps=15,
    )
    coder = AgentSpec(name="coder", role="Write code", expertise_keywords=["code", "scraper"])
    reviewer = AgentSpec(name="reviewer", role="Review code", expertise_keywords=["review"])
    team = AgentTeam(
        agents=[researcher, coder, reviewer],
        default_model=model,
        environment=my_env,
        critic_model=None,
        shared_memory_capacity=1000,
        persistence_dir=None,
    )
    result = team.run_task("Build a web scraper", initial_state=None, agent_name=None, max_steps=None)
    results = team.run_pipeline(
        [{"purpose": "Research the topic", "agent": "researcher"}, {"purpose": "Write the code", "agent": "coder"}],
        initial_state=None,
    )

    assert str(result) == "Done."
    assert [each.answer for each in results] == ["Done.", "Done."]
    assert [each.agent for each in team.stats.delegations] == ["coder", "researcher", "coder"]
    assert str(team.get_learning_report()).startswith("Learned by researcher, coder, reviewer: 0 in use")
    assert (tmp_path / ".purpose_agent").is_dir()
    assert result.final_state.values["door"] == "shut"
