"""Every way for several agents to work together, each in a few lines, on one model and in one workspace.

    python -m examples.together                              a scripted model, on a loopback server: what they say is made up
    python -m examples.together --model ollama:qwen3:1.7b    a real one

For each way it prints the answer, how many lessons were drawn, and Φ of the last state that was judged.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import purpose_agent as pa
from examples.scripted_server import serving
from examples.together_script import script
from purpose_agent.mas_generator import generate
from purpose_agent.multi_agent import AgentSpec, AgentTeam

REFUNDS = "Refunds are paid within 30 days, to the card that was charged."
FIBONACCI = pa.Task(
    "Write a fibonacci function: fibonacci(0) is 0, fibonacci(1) is 1",
    checks=[pa.Check.python("assert fibonacci(0) == 0\nassert fibonacci(10) == 55")],
)
ADVISORIES = "acme/parser 2.3: CVE-2026-0001, critical, fixed in 2.4."
PRICES = {"tea": 3.5, "milk": 1.25}


@dataclass(frozen=True, slots=True)
class Row:
    """What one way came to.

    Attributes:
        runs: How many were recorded, members' and parts' included.
        lessons: How many were drawn from them, or taught.
        phi: Of the last state that was judged; None if none was.
    """

    way: str
    status: str
    answer: str
    runs: int
    lessons: int
    phi: float | None


Way = Callable[[pa.Workspace, Sequence[str | pa.Model]], tuple[str, object]]
"""From the workspace and the models (the best one last) to a status and an answer."""


@pa.tool
def search(query: str) -> str:
    """Search the archive.

    Args:
        query: In words.
    """
    return f"Three papers about {query}."


@pa.tool
def price(item: str) -> float:
    """The price of an item in the shop, in euros.

    Args:
        item: Its name, such as "tea".
    """
    return PRICES[item]


@pa.tool
def add(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: One.
        b: The other.
    """
    return a + b


@pa.tool
def fetch_advisories(repo: str) -> str:
    """Published security advisories.

    Args:
        repo: As owner/name.
    """
    return f"{repo}: see the input."


@pa.tool
def fetch_repository(repo: str) -> str:
    """What a repository depends on.

    Args:
        repo: As owner/name.
    """
    return f"{repo}: see the input."


@pa.tool(effects=("send",))
def send_alert(message: str) -> str:
    """Send a message to the team.

    Args:
        message: Its text.
    """
    return f"sent: {message}"


def a_team(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """A description becomes a team; what failed on the way becomes a lesson."""
    team = pa.purpose("Help me write Python code", model=models[-1], workspace=place)
    result = team.run(FIBONACCI)
    team.teach("Always handle edge cases", when="writing Python code")
    print(team.status())
    return result.status, result


def from_documents(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """Answers that cite documents."""
    docs = place.path / "docs"
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "refunds.md").write_text(REFUNDS, "utf-8")
    team = pa.purpose("Answer questions about our product", knowledge=docs, model=models[-1], workspace=place)
    result = team.ask("What's our refund policy?")
    return result.status, result


def in_a_line(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """Each goes on from the one before."""
    team = pa.Team.build(purpose="Support bot", agents=["greeter", "resolver"], model=models[-1], workspace=place)
    result = team.run("A customer wants the money for a parcel back")
    return result.status, result


def specialists(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """Each task is for one of them, and they learn together."""
    researcher = AgentSpec(
        name="researcher",
        role="Find and synthesize information from the web",
        tools=[search],
        expertise_keywords=["research", "papers"],
        max_steps=15,
    )
    coder = AgentSpec(name="coder", role="Write programs", expertise_keywords=["code", "scraper"])
    reviewer = AgentSpec(name="reviewer", role="Review programs", expertise_keywords=["review"])
    team = AgentTeam(agents=[researcher, coder, reviewer], default_model=models[-1], persistence_dir=place.path)
    result = team.run_task("Build a web scraper")
    given = team.stats.delegations[0]
    print(f"{given.agent} got it ({given.why})")
    print(team.get_learning_report())
    return result.status, result


def a_pipeline(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """One task after the other, each for one of the specialists."""
    specs = [AgentSpec("researcher", "Find information"), AgentSpec("coder", "Write programs")]
    team = AgentTeam(agents=specs, default_model=models[-1], persistence_dir=place.path)
    results = team.run_pipeline(
        [{"purpose": "Research the topic", "agent": "researcher"}, {"purpose": "Write the code", "agent": "coder"}],
        initial_state={"topic": "bees"},
    )
    return results.status, results


def a_flow(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """A graph of agents, with a way back."""
    flow = pa.Flow(workspace=place)
    flow.add_node("research", pa.Spark("researcher", model=models[-1], workspace=place))
    flow.add_node("write", pa.Spark("writer", model=models[-1], workspace=place))
    flow.add_edge(pa.BEGIN, "research")
    flow.add_edge("research", "write")
    flow.add_conditional_edge("write", _short_enough, {"pass": pa.DONE_SIGNAL, "revise": "research"})
    result = flow.run({"task": "Write a sentence about bees"})
    return result.status, result


def _short_enough(state: Mapping[str, object]) -> str:
    return "pass" if len(str(state["write"])) < 2_000 else "revise"


def a_swarm(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """Many tasks at once."""
    agents = [pa.Spark(name, model=models[-1], workspace=place) for name in ("a1", "a2", "a3")]
    results = pa.swarm(["Say what a bee eats", "Say what a cat eats", "Say what a cow eats"], agents=agents)
    return results.status, " / ".join(str(answer) for answer in results.answers)


def a_council(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """One question, rounds of positions, and an agreement or none."""
    council = pa.Council([pa.Spark(name, model=models[-1], workspace=place) for name in ("alice", "bob", "carol")])
    result = council.run("Should we use microservices?", rounds=3)
    return result.status, result


def a_quorum(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """One task for all, apart from each other; answers that agree are merged."""
    quorum = pa.Quorum([pa.Spark(name, model=models[-1], workspace=place) for name in ("w1", "w2", "w3")])
    result = quorum.run("What is six times seven? Reply with the number.")
    return result.status, result


def a_plan_of_calls(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """Tool calls that use each other's results, each made as soon as it can be."""
    shopper = pa.LLMCompiler("shopper", model=models[-1], tools=[price, add], workspace=place)
    result = shopper.run("What do tea and milk cost together?")
    return result.status, result


def a_router(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """The smallest model that is good enough first, and the next one where its answer fails."""
    clerk = pa.Spark("clerk", model=pa.Router(models), workspace=place)
    result = clerk.run(pa.Task("Name the capital of France", checks=[pa.Check.contains("Paris")]))
    for choice in result.trace.of(pa.events.RouteChosen):
        print(f"{choice.model}: {choice.why}")
    return result.status, result


def generated(place: pa.Workspace, models: Sequence[str | pa.Model]) -> tuple[str, object]:
    """A use case becomes agents, a flow, tools, evals and routing."""
    tools = [fetch_advisories, fetch_repository, send_alert]
    system = generate("Monitor GitHub repos for CVEs and alert the team", tools=tools)
    print(system.status())
    result = system.run(ADVISORIES, models[-1], workspace=place, files=place.path / "files")
    return result.status, result


WAYS: tuple[tuple[str, Way], ...] = (
    ("purpose", a_team),
    ("knowledge", from_documents),
    ("Team.build", in_a_line),
    ("AgentTeam", specialists),
    ("pipeline", a_pipeline),
    ("Flow", a_flow),
    ("swarm", a_swarm),
    ("Council", a_council),
    ("Quorum", a_quorum),
    ("LLMCompiler", a_plan_of_calls),
    ("Router", a_router),
    ("generate", generated),
)


def together(folder: Path, models: Sequence[str | pa.Model]) -> list[Row]:
    """All of it, told as it goes on.

    Args:
        models: The cheapest first; all but the router use the last one.
    """
    place = pa.Workspace(folder)
    rows: list[Row] = []
    for name, way in WAYS:
        print(f"\n== {name}: {way.__doc__}")
        before, known = {run.id for run in place.runs(limit=1_000)}, len(place.memories())
        status, answer = way(place, models)
        runs = [run for run in place.runs(limit=1_000) if run.id not in before]
        # The newest first; parts of a run are newer than the whole, and have the Φ.
        phi = next((run.phi for run in runs if run.phi is not None), None)
        rows.append(Row(name, status, str(answer), len(runs), len(place.memories()) - known, phi))
        print(f"{rows[-1].answer}\n[{status}; {len(runs)} runs; lessons: {rows[-1].lessons}; Φ: {_told(phi)}]")
    return rows


def _told(phi: float | None) -> str:
    return "unknown" if phi is None else f"{phi:.1f}"


def table(rows: Sequence[Row]) -> None:
    """The rows, for people."""
    from rich.console import Console
    from rich.table import Table

    shown = Table("way", "status", "answer", "runs", "lessons", "Φ", title="Together")
    for row in rows:
        answer = " ".join(row.answer.split())
        short = answer if len(answer) <= 60 else f"{answer[:59]}…"
        shown.add_row(row.way, row.status, short, str(row.runs), str(row.lessons), _told(row.phi))
    Console(width=None if sys.stdout.isatty() else 120).print(shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 once all of it has run."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.together", description="Every way for several agents to work together."
    )
    parser.add_argument("--model", help="A real model, such as ollama:qwen3:1.7b; without it, a scripted one answers.")
    parser.add_argument(
        "--workspace", type=Path, help="Where to keep what was learned; a folder that is gone afterwards, by default."
    )
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = given.workspace or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="purpose-agent-together-")))
        models = [given.model]
        if given.model is None:
            address = stack.enter_context(serving(script))
            models = [f"{address}#small", f"{address}#big"]
        table(together(folder, models))
    return 0


if __name__ == "__main__":
    sys.exit(main())
