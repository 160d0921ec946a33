"""The published package, 3.0.1, on worlds that ours is measured on, with the same model.

In:  families of house rules, a model.
Out: its curve beside that of no memory and ours, trained on the same few tasks.

Its critic and its distillation ask the model many times a task, so the hour has room for two families and eight training
tasks. Text worlds it can't be measured in without a model: its stand-in answers the same to everything.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figures, unmeasured
from benchmarks.learning.analysis import summarise
from benchmarks.learning.conditions.ours import FULL, NONE
from benchmarks.learning.conditions.peers import PeerFailed, peer_python
from benchmarks.learning.conditions.published import PACKAGE, Published
from benchmarks.learning.options import Options
from benchmarks.learning.parts.jobs import Exam, flat, run_jobs
from benchmarks.learning.protocol import Curve
from benchmarks.learning.report import figure, publish
from benchmarks.learning.values import pooled
from benchmarks.learning.worlds.rules import RuleWorld
from purpose_agent.core.errors import MissingExtra, NoModelFound
from purpose_agent.models.resolve import resolve_model

ALL = "rules"
FAMILIES = ("doors", "lamps")
RULES = "house rules, held-out tasks right with purpose-agent 3.0.1, after eight training tasks"
OURS = "the same tasks with this version, after the same eight training tasks"
TWC = "twc, held-out games won with purpose-agent 3.0.1 and no model"
WANTED = {"published_rules": RULES, "published_rules_ours": OURS, "published_twc": TWC}
NO_STAND_IN = "purpose-agent 3.0.1 can't act without a model: its stand-in says 'mock_action' to everything"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done."""

    families: tuple[str, ...] = FAMILIES
    train: int = 8
    held_out: int = 8
    restart: bool = False


def sizes_of(options: Options) -> Sizes:
    """What is asked for."""
    if options.quick:
        return Sizes(FAMILIES[:1], 1, 1)
    return Sizes((*FAMILIES, "desks", "keys", "seals"), 40, 12, restart=True) if options.full else Sizes()


def measure(options: Options) -> Figures:
    """Two families, side by side."""
    twc = unmeasured(NO_STAND_IN, published_twc=TWC)
    try:
        resolve_model(options.model)
        peer_python(PACKAGE)
    except (MissingExtra, NoModelFound, PeerFailed) as error:
        return unmeasured(str(error), **WANTED) | twc
    sizes = sizes_of(options)
    measured = run_jobs(
        play, [(family, (family, options.fold, options.model, sizes)) for family in sizes.families], options.only
    )
    if not measured.curves:
        return unmeasured("; ".join(measured.failed.values()), **WANTED) | twc
    publish("published", measured.curves, options.out)
    whole = summarise(pooled(measured.curves, ALL))
    return {
        "published_rules": figure(RULES, whole, ALL, Published().name),
        "published_rules_ours": figure(OURS, whole, ALL, FULL.name),
        **twc,
    }


def play(family: str, fold: str, model: str, sizes: Sizes) -> list[Curve]:
    """One family: no memory, the published package, ours."""
    world = RuleWorld(family)
    with TemporaryDirectory() as folder:
        exam = Exam(world, world.held_out(sizes.held_out, fold), 0, model, sizes.train, Path(folder))
        published = exam.trained(Published(), restart=sizes.restart)
        return [flat(exam.looked(NONE), (sizes.train,)), published, exam.trained(FULL)]
