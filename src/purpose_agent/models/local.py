"""Models that run inside this process.

In:  a catalogue name or the path of a GGUF file; then requests.
Out: answers, by way of llama.cpp's own server on a loopback address with a random key.

One server per file and settings is started on first use, in a thread, and shared by every `LocalModel` of the process.
Not here: fetching weights (`catalogue.py`) and the wire format (`openai_compatible.py`).
"""

import os
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from purpose_agent.core.errors import MissingExtra, NoModelFound, UsageError, WeightsError
from purpose_agent.core.model import Capabilities, Model, ModelRequest, ModelResponse, TextDelta
from purpose_agent.models.catalogue import find_weights, get_weights, is_pulled, path_of

if TYPE_CHECKING:
    from purpose_agent.models.openai_compatible import OpenAICompatibleModel

CONTEXT_TOKENS = 8192
PROMPT_CACHE_MIB = 512
"""Memory for what was computed of earlier prompts, in case one goes on; llama.cpp's own limit is 8 GiB, towards
which every prompt that is unlike the last one grows. The bound is for each file and settings."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What makes two servers different. `context_tokens` is shared by the requests served at once."""

    path: Path
    threads: int
    context_tokens: int
    parallel: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server of this process listens, and the key it asks for."""

    base_url: str
    api_key: str


class LocalModel:
    """A model in this process, loaded on its first request.

    Args:
        name: A catalogue name such as "qwen2.5-coder:1.5b", or the path of a `.gguf` file.
        threads: For the arithmetic; None takes `PURPOSE_AGENT_THREADS`, else one less than the cores.
        context_tokens: The window, shared by the requests served at once.
        parallel: How many requests are served at once.

    Raises:
        MissingExtra: The engine is not installed.
        UnknownModel: The catalogue has no such model.
        NoModelFound: The file is not here.
    """

    def __init__(
        self, name: str, *, threads: int | None = None, context_tokens: int = CONTEXT_TOKENS, parallel: int = 1
    ) -> None:
        _require_engine()
        path = resolve_path(name)
        weights = find_weights(name)
        if weights is not None:
            context_tokens = min(context_tokens, weights.context_tokens)
        self._name = f"local:{weights.name if weights is not None else path}"
        self._settings = Settings(path, threads or default_threads(), context_tokens, parallel)
        self._capabilities = Capabilities(
            native_tools=False,
            schema=True,
            choices=True,
            probabilities=True,
            small=True,
            context_tokens=context_tokens,
            local=True,
        )
        self._client: OpenAICompatibleModel | None = None

    @property
    def name(self) -> str:
        """The spec that leads back to this model."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked for."""
        return self._capabilities

    async def load(self) -> None:
        """Load the weights now instead of with the first request."""
        await self._connect()

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Answer once."""
        return await (await self._connect()).generate(request)

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        """Answer piece by piece; the last item is the whole response."""
        from contextlib import aclosing

        client = await self._connect()
        # The port says AsyncIterator; the client's `stream` is an async generator, which is closed with this one.
        async with aclosing(cast("Any", client.stream(request))) as pieces:
            async for piece in pieces:
                yield piece

    async def _connect(self) -> Model:
        if self._client is None:
            import anyio.to_thread

            from purpose_agent.models.openai_compatible import OpenAICompatibleModel

            address = await anyio.to_thread.run_sync(_SERVERS.address, self._settings)
            self._client = OpenAICompatibleModel(
                name=self._name,
                model=self._settings.path.stem,
                base_url=address.base_url,
                api_key=address.api_key,
                capabilities=self._capabilities,
                dialect="llama_cpp",
            )
        return self._client


def resolve_path(name: str) -> Path:
    """The file of a catalogue name that was pulled, or the user's own `.gguf` file, which has no pin.

    Raises:
        UnknownModel: The catalogue has no such model.
        NoModelFound: The file is not here.
    """
    if name.endswith(".gguf"):
        path = Path(name).expanduser().resolve()
        if not path.is_file():
            raise NoModelFound(f"There is no model file {path}.")
        return path
    weights = get_weights(name)
    if not is_pulled(weights):
        raise NoModelFound(f"{weights.name} is not on this machine. Fetch it: purpose-agent models pull {weights.name}")
    return path_of(weights)


def default_threads() -> int:
    """`PURPOSE_AGENT_THREADS`, else one less than the cores: threads that wait for a busy core slow all others down."""
    if not (given := os.environ.get("PURPOSE_AGENT_THREADS")):
        return max(1, len(os.sched_getaffinity(0)) - 1)
    if not given.isdigit() or int(given) < 1:
        raise UsageError(f"PURPOSE_AGENT_THREADS is {given!r}; it must be a whole number above 0.")
    return int(given)


def _require_engine() -> None:
    from importlib.util import find_spec

    if find_spec("xllamacpp") is None:
        raise MissingExtra('Local models need the engine: pip install "purpose-agent[local]"')


class _Servers:
    """The servers of this process. Loading holds the lock, so that a file is loaded once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Settings, tuple[object, Address]] = {}

    def address(self, settings: Settings) -> Address:
        """Where the server with these settings listens; it is started if need be."""
        with self._lock:
            if settings not in self._running:
                if not self._running:
                    import atexit

                    atexit.register(self.stop)
                self._running[settings] = _start(settings)
            return self._running[settings][1]

    def stop(self) -> None:
        """Stop them all. The engine stops a server when the last reference goes."""
        with self._lock:
            self._running.clear()


_SERVERS = _Servers()


def _start(settings: Settings) -> tuple[object, Address]:
    import secrets
    from importlib import import_module

    # xllamacpp ships no types; this function is the only place that touches it.
    engine = cast("Any", import_module("xllamacpp"))
    key = secrets.token_urlsafe(24)
    params = engine.CommonParams()
    params.model.path = str(settings.path)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.verbosity = -1
    params.ui = False
    params.endpoint_slots = False
    params.n_ctx = settings.context_tokens
    params.n_parallel = settings.parallel
    # One pool of cells for all slots; else each slot would get context_tokens / parallel.
    params.kv_unified = True
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.cpuparams.n_threads = settings.threads
    params.cpuparams_batch.n_threads = settings.threads
    try:
        server = engine.Server(params)
    except RuntimeError as error:
        raise WeightsError(f"llama.cpp can't load {settings.path}: {error}") from error
    return server, Address(base_url=f"{server.listening_address}/v1", api_key=key)
