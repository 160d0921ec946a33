"""The embedding model reads texts as its publisher's tokenizer does, and puts what means the same together."""

import sys
from pathlib import Path

import pytest

from purpose_agent.core.errors import HashMismatch, MissingExtra
from purpose_agent.retrieval import minilm
from purpose_agent.retrieval.minilm import MiniLM
from purpose_agent.retrieval.wordpiece import pieces_of, vocabulary

# As the tokenizers package reads them with the publisher's tokenizer.json.
READ = {
    "": [101, 102],
    "Hello, world!": [101, 7592, 1010, 2088, 999, 102],
    "unaffable": [101, 14477, 20961, 3468, 102],
    "Ängström's café": [101, 17076, 15687, 1005, 1055, 7668, 102],
    "QX-113 load_ledger()": [101, 1053, 2595, 1011, 12104, 7170, 1035, 27106, 1006, 1007, 102],
    "日本 x": [101, 1864, 1876, 1060, 102],
    "a\t\n b\x00c": [101, 1037, 4647, 102],
    "x" * 101: [101, 100, 102],
}


@pytest.mark.parametrize("text", READ)
def test_a_text_is_read_as_the_publisher_reads_it(text: str) -> None:
    assert pieces_of(text, most=256) == READ[text]


def test_of_a_long_text_the_beginning_counts() -> None:
    assert pieces_of("door " * 400, most=8) == [101, *[vocabulary()["door"]] * 6, 102]


def test_the_vocabulary_is_the_publishers() -> None:
    assert len(vocabulary()) == 30_522


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package")
    with pytest.raises(MissingExtra, match=r"purpose-agent\[embed\]"):
        minilm.check_installed()


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    package = tmp_path / minilm.PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('never run')")
    (package / minilm.FILE).write_bytes(b"other weights")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    with pytest.raises(HashMismatch, match="is not used"):
        MiniLM().embed(["door"])


def test_what_means_the_same_is_nearer_than_what_does_not() -> None:
    pytest.importorskip("onnxruntime")
    embedder = MiniLM()
    heating, boiler, salary = embedder.embed(
        ["Our heating bangs every morning.", "the boiler makes knocking noises", "negotiating a salary"]
    )

    assert sum(number * number for number in boiler) == pytest.approx(1.0)
    assert cosine(heating, boiler) > embedder.floor > cosine(heating, salary)


def cosine(one: list[float], other: list[float]) -> float:
    return sum(mine * its for mine, its in zip(one, other, strict=True))
