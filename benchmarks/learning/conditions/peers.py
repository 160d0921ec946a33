"""Other people's packages as conditions: each in its own environment, spoken to over a pipe.

In:  a pinned requirement such as "purpose-agent==3.0.1"; a script of `inside/` to run there.
Out: its interpreter, installed once; a `Peer` that answers questions and may ask some back, the model's among them.

A peer never sees a key of the user's: it gets an environment of five variables and asks this process's model through
the pipe. It is not contained beyond that. Not here: what is asked (`published.py`, `grasp.py`).
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

from purpose_agent.core.errors import ModelError, PurposeAgentError
from purpose_agent.core.messages import assistant, system, user
from purpose_agent.core.model import Model, ModelRequest, Usage
from purpose_agent.runtime.sync import run_sync

HERE = Path(__file__).parent
MODEL_SECONDS = 600.0
SPEAKERS = {"system": system, "assistant": assistant}

Answers: TypeAlias = Mapping[str, Callable[..., object]]
"""What a peer may ask: a name, and the function that is called with its parameters."""


class PeerFailed(PurposeAgentError):
    """A peer could not be installed, ended, or hung."""


class PeerFault(PurposeAgentError):
    """The package under measurement raised; the peer is still there."""


def environment_of(spec: str) -> Path:
    """The folder of the environment of `spec`, whether it exists or not."""
    root = os.environ.get("XDG_CACHE_HOME")
    cache = Path(root) if root else Path.home() / ".cache"
    return cache / "purpose_agent" / "bench" / spec.replace("==", "-")


def python_of(spec: str) -> Path:
    """The interpreter of the environment of `spec`, whether it exists or not."""
    return environment_of(spec) / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def peer_python(spec: str) -> Path:
    """The interpreter of an environment with `spec`; the first call makes it, from packages with known hashes.

    Raises:
        PeerFailed: There is no requirement file for `spec`, or the registry can't be reached, or a hash differs.
    """
    requirements = HERE / "requirements" / f"{spec.replace('==', '-')}.txt"
    if not requirements.is_file():
        known = ", ".join(sorted(file.stem for file in requirements.parent.glob("*.txt")))
        raise PeerFailed(f"No hashes are known for {spec!r}; there are: {known}. Write {requirements.name}.")
    folder = environment_of(spec)
    done = folder / "installed"
    if not done.exists():
        _call([sys.executable, "-m", "venv", "--clear", str(folder)], f"make an environment for {spec} in {folder}")
        install = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]
        _call(
            [str(python_of(spec)), "-m", "pip", *install, "--require-hashes", "-r", str(requirements)],
            f"install {spec} (is the package registry reachable?)",
        )
        done.touch()
    return python_of(spec)


def _call(command: list[str], what: str) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise PeerFailed(f"Could not {what}:\n{(run.stderr or run.stdout)[-800:]}")


class Peer:
    """A script in another interpreter.

    Args:
        answers: What it may ask while it answers.
        folder: Its working folder; what it prints is kept there in `peer.log`.
        patience: Seconds for one question, all it asks back included; then it is killed.
    """

    def __init__(self, python: Path, script: Path, answers: Answers, folder: Path, *, patience: float = 3600.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._answers = answers
        self._patience = patience
        self._log = folder / "peer.log"
        # Its embeddings use `hash()` of strings and are written to disk: with a random key they'd be noise next time.
        variables = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        variables |= {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(python), str(script.resolve())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=variables,
                text=True,
                encoding="utf-8",
            )

    def ask(self, method: str, **params: object) -> Any:
        """What the peer says to `method`.

        Raises:
            PeerFault: The package raised; the message ends with its traceback.
            PeerFailed: The peer ended, or took longer than its patience.
        """
        watch = threading.Timer(self._patience, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            message = self._exchange({"method": method, "params": params})
            while "call" in message:
                message = self._exchange(self._answer(message["call"], message["params"]))
        finally:
            watch.cancel()
        if "failed" in message:
            raise PeerFault(f"The peer's {method!r} raised:\n{message['failed'][-800:]}")
        return message["result"]

    def close(self) -> None:
        """End it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # what was not read is flushed once more
                    stream.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self, call: str, params: Mapping[str, Any]) -> dict[str, object]:
        if call not in self._answers:
            return {"error": f"The benchmark knows no {call!r}."}
        try:
            return {"result": self._answers[call](**params)}
        except ModelError as error:  # the peer's code decides what to do without an answer
            return {"error": f"{type(error).__name__}: {error}"}

    def _exchange(self, message: Mapping[str, object]) -> dict[str, Any]:
        writer, reader = self._process.stdin, self._process.stdout
        assert writer is not None
        assert reader is not None
        try:
            writer.write(json.dumps(message) + "\n")
            writer.flush()
            line = reader.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            said = self._log.read_text("utf-8", errors="replace")[-800:]
            raise PeerFailed(f"The peer ended, or was ended after {self._patience:.0f} s. Its last words:\n{said}")
        return json.loads(line)


class Ear:
    """Asks a model what a peer asks, and counts.

    Attributes:
        seed: Of the calls to come.
        usage: Of all calls so far.
        seconds: Spent waiting for the model.
        acts: For each call with the purpose "act", its prompt's tokens and characters.
    """

    def __init__(self, model: Model, seed: int) -> None:
        self.seed = seed
        self.usage = Usage()
        self.seconds = 0.0
        self.acts: list[tuple[int, int]] = []
        self._model = model

    def answer(
        self,
        messages: list[dict[str, str]],
        purpose: str = "act",
        temperature: float | None = None,
        max_tokens: int | None = None,
        stop: list[str] | None = None,
        schema: dict[str, Any] | None = None,
        choices: list[str] | None = None,
    ) -> str:
        """The model's text."""
        request = ModelRequest(
            messages=tuple(SPEAKERS.get(message["role"], user)(message["content"]) for message in messages),
            schema=schema,
            choices=tuple(choices or ()),
            temperature=temperature,
            max_tokens=max_tokens,
            seed=self.seed,
            stop=tuple(stop or ()),
            timeout=MODEL_SECONDS,
            purpose=purpose,
        )
        started = perf_counter()
        try:
            response = run_sync(self._model.generate(request))
        finally:
            self.seconds += perf_counter() - started
        self.usage += response.usage
        if purpose == "act":
            self.acts.append((response.usage.input_tokens, len(request.text)))
        return response.text
