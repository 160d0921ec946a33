"""Artefacts: read from answers by code, shown in few words, recorded as JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.agents.teams.artefacts import (
    FROM_MEMORY,
    MOST_FACTS,
    MOST_SHOWN,
    NOTHING_FOUND,
    Artefact,
    Checked,
    Code,
    Conclusion,
    Draft,
    Fact,
    Findings,
    Makes,
    Plan,
    artefact_from_json,
    artefact_to_json,
    citations,
    read_artefact,
    shown,
    with_sources,
)

KINDS: tuple[Makes, ...] = ("plan", "code", "findings", "conclusion", "draft")


def test_a_plan_is_its_lines_without_marks() -> None:
    made = read_artefact("plan", "1. Split it.\n\n- Add it up\n```\n* Check n=0")

    assert made == Plan(("Split it.", "Add it up", "Check n=0"))
    assert shown(made) == "- Split it.\n- Add it up\n- Check n=0"


def test_code_is_the_python_without_the_words_around_it() -> None:
    made = read_artefact("code", "Sure! Here it is:\n```python\nprint(1)\n```\nHope it helps.")

    assert made == Code("print(1)")
    assert shown(made) == "```python\nprint(1)\n```"


def test_what_is_no_python_stays_a_draft() -> None:
    assert read_artefact("code", "I can't do that.") == Draft("I can't do that.")


def test_facts_are_lines_and_what_has_no_source_is_marked() -> None:
    made = read_artefact("findings", "Facts:\n1. Bees dance [1].\n2. They hum [2, 9].\n- Perhaps they sing", known=2)

    assert isinstance(made, Findings)
    assert made.facts[1:] == (
        Fact("Bees dance [1].", (1,)),
        Fact("They hum [2, 9].", (2,), (9,)),
        Fact("Perhaps they sing"),
    )
    text = shown(made)
    assert "- They hum [2], [9: no such source]." in text
    assert "- Perhaps they sing (no source)" in text
    assert "- Bees dance [1].\n" in text


def test_findings_without_any_source_say_so_once() -> None:
    text = shown(read_artefact("findings", "Bees dance.\nThey hum."))

    assert text == f"{FROM_MEMORY}\n- Bees dance.\n- They hum."


def test_a_conclusion_knows_what_it_cites_and_what_of_it_is_no_source() -> None:
    made = read_artefact("conclusion", "They dance [2] and hum [7], see [2] and [0].", known=3)

    assert isinstance(made, Conclusion)
    assert (made.cited, made.unknown) == ((2,), (7, 0))
    assert with_sources(made, ["a.md", "b.md", "c.md"]) == (
        "They dance [2] and hum [7: no such source], see [2] and [0: no such source].\n\nSources:\n[2] b.md"
    )


def test_brackets_in_code_are_no_citations() -> None:
    said = "Take the first [1]: `rows[0]`, or\n```python\nreturn rows[7]\n```\nas said [9]."
    made = read_artefact("conclusion", said, known=1)

    assert made == Conclusion(said, cited=(1,), unknown=(9,))
    assert shown(made) == said.replace("[9]", "[9: no such source]")


@pytest.mark.parametrize(
    "said", ["```\nThey dance [9].\n```", "```markdown\nThey dance [9].\n```", "They dance `[9]`.", "```python\n[9]"]
)
def test_a_citation_does_not_hide_behind_marks_of_code(said: str) -> None:
    assert citations(said) == (9,)


def test_an_answer_that_cites_nothing_says_so_where_there_were_sources() -> None:
    assert with_sources(Conclusion("They dance."), ["a.md"]) == "They dance.\n\nNo source is cited."
    assert with_sources(Conclusion("They dance."), []) == f"They dance.\n\n{NOTHING_FOUND}"
    assert with_sources(Conclusion("They dance."), None) == "They dance."


def test_only_numbers_in_brackets_are_citations() -> None:
    assert citations("a [1], b [2, 3], [x], [1234], (4), [1]") == (1, 2, 3)


@pytest.mark.parametrize("makes", KINDS)
@pytest.mark.parametrize("answer", ["word " * 50_000, "a line [3]\n" * 5_000, "```python\n" + "x = 1\n" * 9_000 + "```"])
def test_what_is_shown_has_a_bound_whatever_was_said(makes: Makes, answer: str) -> None:
    text = shown(read_artefact(makes, answer, known=2))

    assert len(text) < MOST_SHOWN + 100
    assert "left out" in text or len(text) < MOST_SHOWN


def test_more_facts_than_there_is_room_for_are_counted() -> None:
    made = read_artefact("findings", "\n".join(f"Fact {n}" for n in range(MOST_FACTS + 5)))

    assert "(5 more are left out)" in shown(made)


@pytest.mark.parametrize(
    "artefact",
    [
        Plan(("a", "b")),
        Code("print(1)"),
        Checked("checks", "- assert x"),
        Findings((Fact("a [1]", (1,), (4,)),), 1, 2),
        Conclusion("a", (1,), (9,)),
        Draft("text"),
    ],
)
def test_an_artefact_comes_back_from_the_record_as_it_was(artefact: Artefact) -> None:
    assert artefact_from_json(artefact_to_json(artefact)) == artefact


@given(st.sampled_from(KINDS), st.text(max_size=400), st.integers(0, 4))
def test_any_answer_can_be_read_shown_and_recorded(makes: Makes, answer: str, known: int) -> None:
    made = read_artefact(makes, answer, known)

    shown(made)
    assert artefact_from_json(artefact_to_json(made)).kind == made.kind
