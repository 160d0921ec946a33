"""How things look on a terminal: tables, one-line events.

In:  values of other rooms, and text that models wrote.
Out: lines on stdout or stderr; plain ones where nobody watches.

Text of others is shown, never obeyed: no markup is read in it, and control characters can't reach the terminal.
"""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import assert_never

from rich.console import Console
from rich.text import Text

from purpose_agent.core.action import Action, Finish, GiveUp, ToolUse
from purpose_agent.core.messages import Json
from purpose_agent.runtime.events import (
    ActionDecided,
    AgentFinished,
    AgentStarted,
    CallApproved,
    CallPlanned,
    CallRefused,
    CheckpointSaved,
    Event,
    HandedOver,
    LessonDrawn,
    LessonInjected,
    MemoryArchived,
    MemoryPromoted,
    MemoryProposed,
    MemoryQuarantined,
    MemoryRecalled,
    MemoryRejected,
    MemoryScanned,
    ModelAsked,
    ModelCalled,
    ModelOverruled,
    ModelRetried,
    ModelWaited,
    OptionsListed,
    Payload,
    PersonAnswered,
    PersonAsked,
    ReasoningSummarised,
    Reflected,
    RouteChosen,
    RunFinished,
    RunResumed,
    RunStarted,
    RunSuspended,
    ScoreOverridden,
    SkillUsed,
    StateChanged,
    StepScored,
    TextStreamed,
    ToolReturned,
    ToolStarted,
    ValuesConsulted,
    ValuesWouldChoose,
)

WIDTH = 1_000
"""Columns where there is no terminal: in a file or a pipe a row stays one line."""
LINE = 110
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves the cursor, rings, recolours or reverses; line feeds and tabs are harmless."""


def screen(*, stderr: bool = False) -> Console:
    """A console that takes text literally."""
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = WIDTH
    return console


def say(text: str = "", *, style: str = "", stderr: bool = False) -> None:
    """One paragraph, wrapped by the terminal only."""
    screen(stderr=stderr).print(plain(text), style=style or None)


def plain(text: str) -> str:
    """`text` without what a terminal would act on."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str, limit: int = LINE) -> str:
    """The beginning of `text`, on one line."""
    line = " ".join(plain(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under headings. The last column is the long one: it wraps; the others stay whole."""
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for position, name in enumerate(columns, start=1):
        last = position == len(columns)
        grid.add_column(name, no_wrap=not last, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(plain(cell)) for cell in row))
    screen().print(grid, soft_wrap=False)


def when(time: datetime) -> str:
    """The local time, to the minute."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M")


def size(count: int) -> str:
    """1117320768 → "1.1 GB"."""
    from rich.filesize import decimal

    return decimal(count)


def verdict(success: bool | None) -> str:
    """What the checks said."""
    return {True: "passed", False: "failed", None: "success unknown"}[success]


def phi(value: float | None) -> str:
    """Φ, or a dash where nobody knows."""
    return "–" if value is None else f"{value:.1f}"


def event_line(event: Event) -> str:
    """One event on one line: who, which step, what."""
    where = f"{event.lane} {event.step}" if event.step else event.lane
    return one_line(f"{where}: {_what(event.payload)}")


def action_line(action: Action | None) -> str:
    """A decision in words."""
    match action:
        case ToolUse(calls=calls):
            return "uses " + ", ".join(f"{call.name}({arguments_line(call.arguments)})" for call in calls)
        case Finish(answer=answer):
            return f"answers: {answer}"
        case GiveUp(reason=reason):
            return f"gives up: {reason}"
        case None:
            return "was cut off before it decided"
        case _:
            assert_never(action)


def told_overruled(said: ModelOverruled) -> str:
    """Which rules chose, and what the model would have."""
    return f"chooses {one_line(said.option)} by {', '.join(said.memory_ids)}; the model alone: {one_line(said.instead_of)}"


def arguments_line(arguments: Mapping[str, Json]) -> str:
    """The arguments of a call, as a person reads them."""
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _what(payload: Payload) -> str:
    match payload:
        case RunStarted(agent=agent, model=model, task=task):
            return f"{agent} begins, on {model}: {task.get('goal', '')}"
        case MemoryRecalled(memories=memories, left_out=left_out, withheld=withheld):
            told = [counted(len(memories), "memory", "memories")]
            told += [f"{left_out} left out"] if left_out else []
            told += [f"{len(withheld)} withheld by chance"] if withheld else []
            return f"recalls {', '.join(told)}"
        case RouteChosen(model=model, why=why, instead_of=before):
            return f"is given {model}{f' instead of {before}' if before else ''}: {why}"
        case OptionsListed(situation=situation, options=options):
            return f"has {counted(len(options), 'option', 'options')}: {situation}"
        case ValuesConsulted(options=ranked):
            return "values " + ", ".join(f"{each.option} {each.value:+.2f}" for each in ranked)
        case ValuesWouldChoose(option=option):
            return f"values would choose {option}"
        case ModelOverruled() as said:
            return told_overruled(said)
        case ModelAsked(purpose=purpose, messages=messages):
            return f"asks the model ({purpose}), {counted(len(messages), 'new message', 'new messages')}"
        case ModelRetried(model=model, attempt=attempt, seconds=seconds, error=error):
            return f"waits {seconds:.1f} s before attempt {attempt} on {model}" + (f": {error}" if error else "")
        case ModelWaited(model=model, seconds=seconds):
            return f"waits {seconds:.1f} s for its turn on {model}"
        case TextStreamed(text=text):
            return f"writes: {text}"
        case ReasoningSummarised(text=text):
            return f"thinks: {text}"
        case ModelCalled(purpose=purpose, usage=usage, seconds=seconds, error=error):
            spent = f"{usage.input_tokens:,} tokens read, {usage.output_tokens:,} written in {seconds:.1f} s"
            return f"asked the model ({purpose}): {error or spent}"
        case CallPlanned(number=number, call=call):
            return f"plans {number}: {call.name}"
        case ActionDecided(action=action):
            return action_line(action)
        case ToolStarted(tool=tool):
            return f"calls {tool}"
        case ToolReturned(observation=seen):
            return f"{seen.tool} {'gave' if seen.ok else 'failed'}: {seen.content}"
        case PersonAsked(tool=tool, why=why):
            return f"asks a person about {tool}: {why}"
        case PersonAnswered(verdict=verdict_, reason=reason, by=by):
            return f"{by or 'a person'} says {verdict_}" + (f": {reason}" if reason else "")
        case ScoreOverridden(step=step, phi=value, why=why):
            return f"a person says Φ of step {step} is {value:.1f}" + (f": {why}" if why else "")
        case LessonInjected(status=status, text=text):
            return f"a person teaches ({status}): {text}"
        case CallRefused(why=why):
            return f"refused: {why}"
        case CallApproved(tool=tool, effects=effects):
            return f"a person allowed {tool} ({', '.join(effects)})"
        case StateChanged(values=values, removed=removed):
            return "state: " + ", ".join([*values, *(f"{name} removed" for name in removed)])
        case StepScored(score=score):
            likely = "" if score.probability is None else f", success {score.probability:.0%}"
            return f"Φ {phi(score.before)} → {phi(score.after)} ({score.critic}{likely})"
        case CheckpointSaved(step=step):
            return f"step {step} is complete"
        case AgentStarted(name=name, attempt=attempt):
            return f"{name} begins" + (f", attempt {attempt}" if attempt > 1 else "")
        case AgentFinished(name=name, status=status, seconds=seconds, error=error):
            return f"{name}: {status} after {seconds:.1f} s" + (f": {error}" if error else "")
        case HandedOver(sender=sender, receiver=receiver, why=why):
            return f"{sender} hands over to {receiver}" + (f": {why}" if why else "")
        case RunSuspended(status=status, reason=reason):
            return f"{status}: {reason}"
        case RunResumed(step=step, reason=reason):
            return f"goes on after step {step}" + (f" ({reason})" if reason else "")
        case RunFinished(status=status, success=success, phi=value, reason=reason):
            return f"{status}, {verdict(success)}, Φ {phi(value)}" + (f": {reason}" if reason else "")
        case LessonDrawn(status=status, text=text):
            return f"lesson ({status}): {text}"
        case Reflected(lessons=lessons, why=why):
            return f"reflected: {why or counted(lessons, 'lesson', 'lessons')}"
        case MemoryProposed(memory_id=memory_id, text=text):
            return f"memory {memory_id} is a candidate: {text}"
        case MemoryScanned(memory_id=memory_id, findings=findings):
            return f"memory {memory_id} was scanned: {', '.join(findings) or 'clean'}"
        case MemoryQuarantined() | MemoryPromoted() | MemoryRejected() | MemoryArchived():
            return f"{payload.kind.replace('_', ' ')}: {payload.memory_id}" + (f", {payload.why}" if payload.why else "")
        case SkillUsed(name=name, version=version):
            return f"uses the skill {name}, version {version}"
        case _:
            assert_never(payload)


@contextmanager
def watching(
    *, every: bool, stderr: bool = False, also: Callable[[Event], None] = lambda _: None
) -> Generator[Callable[[Event], None]]:
    """What to call with events: each gets its line, or else the last one is shown while it is true, if somebody watches.

    Args:
        every: A line for each event.
        stderr: Where stdout is for something else.
        also: Who is told each event, too.
    """
    console = screen(stderr=True)
    if every or not console.is_terminal:

        def tell(event: Event) -> None:
            also(event)
            if every:
                say(event_line(event), style="dim", stderr=stderr)

        yield tell
        return
    with console.status("…") as status:
        room = min(LINE, max(20, console.width - 4))

        def update(event: Event) -> None:
            also(event)
            status.update(Text(one_line(event_line(event), room)))

        yield update


def counted(number: int, one: str, many: str) -> str:
    """The number and the word that goes with it."""
    return f"{number} {one if number == 1 else many}"
