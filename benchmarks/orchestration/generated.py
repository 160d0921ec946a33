"""Three use cases, made into systems by a real local model, run end to end, and tried by their own evals.

Nothing is chosen for its outcome: every case counts, and those that did not pass are printed with what was answered. An eval case that
could not be judged has not passed.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import purpose_agent as pa
from benchmarks.figures import Figures, share, unmeasured
from benchmarks.parts import Amount
from purpose_agent.mas_generator import CaseResult, GeneratedSystem, generate

WANTED: Mapping[str, str] = {
    "generated_run": "generated systems that ran to an end and gave an answer",
    "generated_evals_passed": "eval cases of those systems that passed",
}
MODEL = "local:qwen2.5-coder:1.5b"
LIMITS = pa.Limits(steps=3, seconds=120)
"""Of each agent's run."""


@dataclass(frozen=True, slots=True)
class UseCase:
    """A description, and something for the system to look at."""

    description: str
    given: str


USE_CASES = (
    UseCase(
        "Monitor GitHub repos for CVEs and alert the team",
        "Advisory for repo acme/parser: CVE-2026-0417, critical, remote code execution in version 2.3. Fixed in 2.4.",
    ),
    UseCase(
        "Research what a committee decided, from its minutes, and report it",
        "Question: who repairs the fence? Minutes: Ann paints the gate in May. Ben repairs the fence before June. The budget is 200 euros.",
    ),
    UseCase(
        "Write a newsletter for the members of a gardening club",
        "Meeting on Friday at 18:00 in the glasshouse. Topic: pruning roses. Bring gloves.",
    ),
)


def measure(options: Amount) -> Figures:
    """In quick: one use case."""
    try:
        model = pa.resolve_backend(MODEL)
    except (pa.errors.NoModelFound, pa.errors.MissingExtra) as error:
        return unmeasured(str(error), **WANTED)
    ended, results = 0, list[CaseResult]()
    cases = USE_CASES[: options.of(len(USE_CASES), 1)]
    for case in cases:
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tools that are missing: `status` tells them
            system = generate(case.description, model=model, workspace=Path(folder) / "made")
            print(system.status(), flush=True)
            ended += _ran(system, model, case, Path(folder))
            report = system.evaluate(
                model, workspace=Path(folder) / "evals", files=Path(folder) / "files", limits=LIMITS, watch=_show
            )
            print(f"{len(report.of('passed'))} of {len(report.results)} passed\n", flush=True)
            results += report.results
    passed = sum(result.verdict == "passed" for result in results)
    return {
        "generated_run": share(WANTED["generated_run"], ended, len(cases)),
        "generated_evals_passed": share(WANTED["generated_evals_passed"], passed, len(results)),
    }


def _show(result: CaseResult) -> None:
    print(result, flush=True)


def _ran(system: GeneratedSystem, model: pa.Model, case: UseCase, folder: Path) -> bool:
    """Whether a run came to an answer; it is recorded, and learned from."""
    begun = perf_counter()
    flow = system.to_flow(model, workspace=folder / "workspace", files=folder / "files", limits=LIMITS)
    result = flow.run(system.state(case.given))
    place = flow.workspace
    assert place is not None, "its agents have one"
    lessons = len(place.memories())
    place.close()
    print(f"{result.summary()}\n{lessons} lessons, {perf_counter() - begun:.0f} s\nAnswer: {result}\n", flush=True)
    return result.status == "finished" and result.answer is not None
