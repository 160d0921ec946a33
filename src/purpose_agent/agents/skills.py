"""Skills out of a workspace and into it, as folders with a SKILL.md in each.

In:  promoted memories and a folder; or a folder of somebody's skills.
Out: files; or memories in quarantine, and of each skill that was not let in why.

A skill that comes in is an import, whatever it says of itself: scanned, in quarantine at best, and tried like anything else. It
may ask for less reach than it is given, never for more. Nothing outside of the given folder is read or written: links are
refused, and so is what is no plain file. Files beside a SKILL.md (scripts, references) are neither read nor run.
"""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from purpose_agent.core.errors import UsageError
from purpose_agent.core.memory import JournalEntry, Lesson, Memory, Provenance, Scope, TrialReport
from purpose_agent.memory.gate import Gate
from purpose_agent.protocols.skill_md import FILE, LONGEST, Skill, read_skill, skill_name, skill_text

MOST_SKILLS = 1_000


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        folders: One for each memory.
        left_out: Memories that were not, and why.
    """

    folders: tuple[Path, ...] = ()
    left_out: tuple[tuple[Memory, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What was let in.

    Attributes:
        memories: In quarantine, or rejected by the scan; one that was known already is as it was.
        refused: Files that are no skill we could take, and why.
    """

    memories: tuple[Memory, ...] = ()
    refused: tuple[tuple[Path, str], ...] = ()


def export_skills(memories: Sequence[Memory], folder: Path, journal: Callable[[str], Sequence[JournalEntry]]) -> Exported:
    """Write each memory as `folder/NAME/SKILL.md`. One that was written before is written anew.

    Memories of single users are left out: a folder is there to be passed on.

    Raises:
        UsageError: The folder can't be written to, or a link stands where a skill should be.
    """
    folders: list[Path] = []
    left_out: list[tuple[Memory, str]] = []
    for memory in memories:
        if memory.lesson.scope.users:
            left_out.append((memory, "it belongs to single users"))
            continue
        place = folder / skill_name(memory)
        if place.is_symlink() or (place / FILE).is_symlink():
            raise UsageError(
                f"{place} is a link, or its {FILE} is; nothing is written through links. Remove it, or choose another folder."
            )
        try:
            place.mkdir(parents=True, exist_ok=True)
            (place / FILE).write_text(
                skill_text(memory, evidence=_evidence(journal(memory.id))), encoding="utf-8", newline="\n"
            )
        except OSError as error:
            raise UsageError(f"{place} can't be written ({error.strerror}); choose another folder.") from error
        folders.append(place)
    return Exported(tuple(folders), tuple(left_out))


def import_skills(gate: Gate, folder: Path, *, source: str = "", agent: str = "", scope: Scope | None = None) -> Imported:
    """Hand each skill of `folder` to the gate: its own SKILL.md, or those one folder below.

    Args:
        source: Where it comes from, such as a URL; "" for the path of each file.
        agent: Who tries it; without one it waits until somebody is named.
        scope: The widest reach that a skill gets; None: that agent, or everywhere if none is named.

    Raises:
        UsageError: There is no such folder, no skill in it, or more than `MOST_SKILLS`.
        MissingExtra: The extra `yaml` is not installed.
    """
    memories: list[Memory] = []
    refused: list[tuple[Path, str]] = []
    # What others wrote is for the one agent that tries it.
    widest = scope if scope is not None else Scope((agent,) if agent else ())
    for place in _places(folder):
        path = place / FILE
        try:
            skill = read_skill(_text(path), str(path))
            if skill.name != place.name and place != folder:
                raise UsageError(
                    f"{path}: the skill is called {skill.name!r} and its folder {place.name!r}; they must be the same."
                )
            lesson = _lesson(skill, Provenance("import", agent=agent, source=source or str(path)), widest)
        except UsageError as error:
            if type(error) is not UsageError:
                raise  # a missing extra: no skill could be read
            refused.append((path, str(error)))
            continue
        memories.append(gate.admit(lesson))
    return Imported(tuple(memories), tuple(refused))


def _places(folder: Path) -> Sequence[Path]:
    """The folders that have a SKILL.md, or something else of that name."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder. Give one that holds skills: folders with a {FILE} in each.")
    folder = folder.resolve()
    if os.path.lexists(folder / FILE):
        return [folder]
    found = sorted(place for place in folder.iterdir() if place.is_symlink() or os.path.lexists(place / FILE))
    if not found:
        raise UsageError(f"{folder} holds no skill. A skill is a folder with a {FILE} in it.")
    if len(found) > MOST_SKILLS:
        raise UsageError(f"{folder} holds {len(found)} skills; at most {MOST_SKILLS} are taken at once.")
    return found


def _text(path: Path) -> str:
    """The file's text, if it is a plain one of bearable length. It is opened without following links, and then looked at."""
    if path.parent.is_symlink():
        raise UsageError(f"{path.parent} is a link; only what is in the folder itself is read. Copy it there if you mean it.")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{path} can't be opened ({error.strerror}). A link is not followed; give the file itself.") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{path} is no plain file.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(LONGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > LONGEST:
        raise UsageError(f"{path} has more than {LONGEST:,} bytes, too long for a skill. Put details into files beside it.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text: {error}.") from error


def _lesson(skill: Skill, provenance: Provenance, widest: Scope) -> Lesson:
    taught = skill.taught
    # What is imported holds for a situation; of a rule of ours, which has none, its description tells it.
    when = taught.when if taught.when.strip() else skill.description
    return Lesson(
        "skill_card", when, taught.then, provenance, _narrowed(widest, taught.scope, skill.name), taught.cases, taught.lines
    )


def _narrowed(widest: Scope, wanted: Scope, name: str) -> Scope:
    """Both at once: where one names nothing, what the other names; else what both name."""
    scope = Scope()
    for each in fields(Scope):
        given, asked = getattr(widest, each.name), getattr(wanted, each.name)
        both = tuple(value for value in asked if value in given) if given and asked else given or asked
        if given and asked and not both:
            raise UsageError(
                f"The skill {name!r} is for the {each.name} {', '.join(asked)[:200]}, and is to be imported for {', '.join(given)}: for "
                "none of them both."
            )
        scope = replace(scope, **{each.name: both})
    return scope


def _evidence(journal: Sequence[JournalEntry]) -> str:
    """The report that put it into use, in one line; or whose word it is."""
    for entry in reversed(journal):
        if entry.to_status == "promoted" != entry.from_status:
            report = entry.evidence
            if isinstance(report, TrialReport):
                return f"{entry.why}; e-value {report.e_help:.3g} at an error rate of {report.alpha:.3g}"
            return entry.why
    return ""
