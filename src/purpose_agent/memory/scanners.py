"""What can be seen in a lesson by reading it: the first thing that happens to one.

In:  a lesson nobody has looked at.
Out: what the rules saw in it. One finding that blocks is enough for the gate to reject it.

This is hygiene, not the wall. It stops what is written plainly and the common disguises. It does not stop a
lesson that is merely wrong, a threat put in unusual words, or a language the rules don't know; those meet
quarantine, the trial, and the tools' own gate. Nothing may rest on it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from hashlib import sha256

from purpose_agent.core.memory import Case, Condition, Finding, Lesson, Likeness, Provenance, RuleLine, ScanReport, Scope
from purpose_agent.core.secrets import FORMS, find_secrets, without_secrets
from purpose_agent.memory.threats import injection, privacy, scope, score, tools
from purpose_agent.memory.threats.finding import Reading
from purpose_agent.memory.threats.lexicon import Lexicon
from purpose_agent.memory.threats.readings import ENCODED, LONGEST, plain, readings, turned
from purpose_agent.memory.threats.rule import Rule, Span

RULES: tuple[Rule, ...] = (*injection.RULES, *score.RULES, *tools.RULES, *privacy.RULES, *scope.RULES)
_HEAD = 2_000
"""Characters of a lesson that is too long, and blocked for that, which are read all the same, for the report."""
_REDACTED = "[redacted]"
_LONG_RUN = 24
"""Characters: a longer encoded run may hold anything, and is not kept of what was rejected."""


@cache
def _lexicon() -> Lexicon:
    return Lexicon(RULES)


@cache
def version() -> str:
    """What the verdicts are by: it changes when any rule does."""
    described = [
        (rule.name, rule.phrases, [(form.pattern, form.near, form.needs) for form in rule.forms], rule.negatable)
        for rule in RULES
    ]
    return sha256(repr((described, [(form.name, form.pattern) for form in FORMS])).encode()).hexdigest()[:12]


def scan(lesson: Lesson) -> ScanReport:
    """Everything the rules see in `lesson`: its words, its cases and lines, its reach. One finding a rule."""
    text = "\n".join(_strings(lesson))
    # Some characters unfold into many: what counts is the length of what the rules read.
    length = max(len(text), len(plain(text[:LONGEST])))
    found = [*_structure(lesson, length)]
    head = text if length <= LONGEST else plain(text[:_HEAD])[:_HEAD]
    seen: set[str] = set()
    read = readings(head)
    for text in read:
        secrets = find_secrets(text)
        if secrets and privacy.SECRET not in seen:
            seen.add(privacy.SECRET)
            excerpt = _excerpt(text, (secrets[0].start, secrets[0].stop))
            found.append(Finding("privacy_leak", f"{privacy.SECRET}: {secrets[0].name}", "block", excerpt))
        found += _seen_in(text, seen)
    for text in turned(read[0]):
        found += _seen_in(text, seen, words_only=True)
    return ScanReport(tuple(found), version())


@lru_cache(maxsize=4096)
def may_be_kept(case: Case) -> bool:
    """No rule sees anything in it that would block a lesson that shows it."""
    return scan(Lesson("episodic_case", "", "", Provenance("self_verified"), cases=(case,))).clean


def _seen_in(text: str, seen: set[str], *, words_only: bool = False) -> Iterator[Finding]:
    """What the rules that have not been `seen` to hold find in one reading; they are added to `seen`."""
    reading = Reading(text, _lexicon())
    for rule in RULES:
        span = reading.find(rule, words_only=words_only) if rule.name not in seen else None
        if span is not None:
            seen.add(rule.name)
            yield Finding(rule.threat, rule.name, rule.severity, _excerpt(text, span))


def repaired(lesson: Lesson) -> Lesson:
    """`lesson` without what must not be kept: half characters become `?`, and where it came from is told without secrets.

    Its provenance is not scanned: it is no part of what it says, and no reason to refuse it.
    """
    whole = _each(lesson, _storable)
    came = whole.provenance
    # The runtime sets it, but an address that a person gives may have a key in it.
    return replace(
        whole,
        provenance=replace(came, agent=without_secrets(_storable(came.agent)), source=without_secrets(_storable(came.source))),
    )


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def redacted(lesson: Lesson) -> Lesson:
    """`lesson` with every secret and long encoded run in it replaced, for keeping what was rejected."""
    return _each(lesson, redact)


def redact(text: str) -> str:
    """`text` in its plain reading, cut at the longest length, without secrets, personal data and long encoded runs."""
    read = plain(text[:LONGEST])[:LONGEST]
    pieces: list[str] = []
    end = 0
    for start, stop in _private_spans(read):
        pieces += [read[end:start], _REDACTED]
        end = stop
    return "".join([*pieces, read[end:]])


def _private_spans(text: str) -> list[Span]:
    """Where secrets, personal data and long encoded runs stand, in order and without overlap."""
    spans = [(found.start, found.stop) for found in find_secrets(text)]
    spans += [match.span() for match in ENCODED.finditer(text) if len(match[0]) >= _LONG_RUN]
    reading = Reading(text, _lexicon())
    for rule in privacy.RULES:
        spans += reading.find_all(rule)
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _excerpt(text: str, span: Span) -> str:
    """At most 80 characters around the match, on one line, secrets replaced."""
    start, stop = max(0, span[0] - 10), min(len(text), span[0] + 70)
    # Secrets are looked for in a wider window, so that one cut by the window's edge is still seen as one.
    low = max(0, start - 300)
    pieces: list[str] = []
    end = start
    for secret_start, secret_stop in ((a + low, b + low) for a, b in _private_spans(text[low : stop + 4300])):
        if secret_stop > start and secret_start < stop:
            pieces += [text[end : max(end, secret_start)], _REDACTED]
            end = secret_stop
    return " ".join("".join([*pieces, text[end : max(end, stop)]]).split())[:80]


def _each(lesson: Lesson, change: Callable[[str], str]) -> Lesson:
    reach = lesson.scope
    return replace(
        lesson,
        when=change(lesson.when),
        then=change(lesson.then),
        cases=tuple(Case(change(case.situation), change(case.answer)) for case in lesson.cases),
        scope=Scope(
            *(tuple(map(change, names)) for names in (reach.agents, reach.families, reach.users, reach.tools, reach.teams))
        ),
        lines=tuple(
            RuleLine(
                tuple(_changed(each, change) for each in line.conditions),
                change(line.answer),
                tuple(
                    replace(each, literal=change(each.literal), beside=change(each.beside), joined=change(each.joined))
                    for each in line.form
                ),
                Likeness(tuple(map(change, line.like.examples)), change(line.like.embedder)) if line.like is not None else None,
            )
            for line in lesson.lines
        ),
    )


def _changed(condition: Condition, change: Callable[[str], str]) -> Condition:
    return replace(condition, term=change(condition.term))


def _strings(lesson: Lesson) -> Iterator[str]:
    yield lesson.when
    yield lesson.then
    for case in lesson.cases:
        yield case.situation
        yield case.answer
    yield from (line.text for line in lesson.lines)
    for line in lesson.lines:
        # Of these the one that is most like a situation is quoted there.
        yield from (*line.like.examples, line.like.embedder) if line.like is not None else ()
    # As a form writes it: what is said in two pieces is one sentence in a prompt.
    yield from ("".join(each.literal or each.joined for each in line.form) for line in lesson.lines if line.form)
    reach = lesson.scope
    for names in (reach.agents, reach.families, reach.users, reach.tools, reach.teams):
        yield from names


def _structure(lesson: Lesson, length: int) -> Iterator[Finding]:
    """What can be seen without reading: its length. What an origin may not write at all is in `authority.py`."""
    if length > LONGEST:
        yield Finding("scope_overreach", "too_long", "block", f"{length} characters; the longest lesson is {LONGEST}")
