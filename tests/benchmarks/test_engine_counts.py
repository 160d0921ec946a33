"""The engine's benchmark sees what it is there to see."""

from dataclasses import replace

from benchmarks.runtime.engine import NODES, Effect, counted
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.model import Usage
from purpose_agent.core.task import Task, task_to_json
from purpose_agent.runtime.checkpoints.memory import MemoryCheckpointer
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import AgentFinished, RunFinished, RunStarted
from purpose_agent.runtime.jobs import Job
from purpose_agent.testing.clock import FrozenClock

JOBS = [Job("run_1", "flow", "errand", {})]


def a_log(*, without: str = "") -> tuple[MemoryCheckpointer, list[Effect]]:
    """A flow that is done, a node a minute, with the lines that its nodes left half a minute earlier."""
    clock, log, lines = FrozenClock(), MemoryCheckpointer(), list[Effect]()
    bus = EventBus("run_1", clock, counting_ids())
    bus.publish(RunStarted(task_to_json(Task("errand")), "errand", "none", "learning"), lane="errand")
    for node in NODES:
        clock.advance(60)
        lines.append(Effect("run_1", node, clock.now().timestamp() - 30))
        if node != without:
            bus.publish(AgentFinished(f"1/{node}", node, "finished"), lane=node)
    bus.publish(RunFinished("finished", None, None, None, Usage()), lane="errand")
    log.append(bus.events)
    return log, lines


def test_a_clean_flow_has_nothing_to_count() -> None:
    assert counted(*_arguments(*a_log())) == (0, 0, 0)


def test_a_step_under_way_that_was_done_again_is_no_step_done_twice() -> None:
    log, lines = a_log()

    assert counted(*_arguments(log, [*lines, replace(lines[2], at=lines[2].at - 5)])) == (0, 1, 0)


def test_a_step_that_was_done_after_it_was_recorded_as_done_is_one_done_twice() -> None:
    log, lines = a_log()

    assert counted(*_arguments(log, [*lines, replace(lines[2], at=lines[2].at + 31)])) == (1, 1, 0)


def test_a_step_without_an_event_and_an_event_without_an_effect_are_lost() -> None:
    log, lines = a_log(without="c")

    assert counted(*_arguments(log, lines[1:])) == (0, 0, 2)


def test_a_job_without_a_log_is_lost() -> None:
    assert counted(MemoryCheckpointer(), JOBS, []) == (0, 0, 1)


def _arguments(log: MemoryCheckpointer, lines: list[Effect]) -> tuple[MemoryCheckpointer, list[Job], list[Effect]]:
    return log, JOBS, lines
