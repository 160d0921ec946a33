"""Passages: what is read of a folder, how it is cut, and what is found."""

from pathlib import Path

import pytest

from purpose_agent.core.errors import UsageError
from purpose_agent.retrieval.passages import MOST_CHARACTERS, Passages, cut_passages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    (docs / "shop").mkdir(parents=True)
    (docs / ".git").mkdir()
    (docs / "shop" / "refunds.md").write_text("# Refunds\n\nMoney comes back within 30 days.", "utf-8")
    (docs / "hours.txt").write_text("We are open from nine to five.", "utf-8")
    (docs / ".git" / "notes.md").write_text("Refunds are a secret.", "utf-8")
    (docs / "logo.png").write_bytes(b"\x89PNG")
    return docs


def test_the_passage_that_fits_best_comes_first(folder: Path) -> None:
    found = Passages(folder).search("What is your refund policy?")

    assert [each.source for each in found] == ["shop/refunds.md"]
    assert "within 30 days" in found[0].text


def test_what_was_read_and_what_was_not_is_known(folder: Path) -> None:
    passages = Passages(folder)

    assert (passages.files, passages.unread, len(passages)) == (2, ("logo.png",), 2)


@pytest.mark.parametrize("question", ["zebra", "", "?!", 'refund" OR "x', "NEAR(", "the of and"])
def test_any_question_can_be_asked(folder: Path, question: str) -> None:
    Passages(folder).search(question)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("Zebra", "utf-8")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")

    assert Passages(folder).search("zebra") == ()


def test_one_file_is_a_folder_of_one(folder: Path) -> None:
    assert [each.source for each in Passages(folder / "hours.txt").search("open")] == ["hours.txt"]


def test_a_file_that_is_not_utf_8_is_named(folder: Path) -> None:
    (folder / "old.txt").write_bytes("Gebühr".encode("latin-1"))

    with pytest.raises(UsageError, match=r"old\.txt is not UTF-8"):
        Passages(folder)


def test_a_text_is_cut_between_paragraphs_and_nothing_is_lost() -> None:
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(20)) + "\n\n" + "x" * 2_000
    pieces = cut_passages(text)

    assert max(map(len, pieces)) <= MOST_CHARACTERS
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_heading_stays_with_what_follows_it() -> None:
    assert cut_passages("Intro.\n\n# One\n\nFirst.\n\n# Two\n\nSecond.") == ["Intro.", "# One\n\nFirst.", "# Two\n\nSecond."]
