"""A model's spec, made into the model.

In:  "ollama:qwen3:1.7b", "qwen3:1.7b", "http://host:8000/v1#MODEL", "local:qwen2.5-coder:1.5b", a `Model`, or None.
Out: a `Model` whose `name` leads back to it.

With None, the best that is there, looked for in this order: `PURPOSE_AGENT_MODEL`; a pulled model of the catalogue; a
running Ollama; the server at `OPENAI_BASE_URL`; a provider whose key is set and which keeps a name for its current
model. The last one costs money and sends text away, which is why it comes last. If nothing is there, that is an error:
no double stands in.

A key goes to its provider's own address (scheme, host and port) and nowhere else, however the address is written.
Nothing here waits for a model: of all servers, only Ollama is asked something, and only where no spec is given.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from purpose_agent.core.errors import MissingExtra, MissingKey, NoModelFound, UnknownModel, UsageError
from purpose_agent.core.model import Capabilities, Model, is_no_model
from purpose_agent.models.catalogue import DEFAULT_MODEL, cache_dir, pulled
from purpose_agent.models.http import get_json_now, is_loopback, without_credentials
from purpose_agent.models.openai_compatible import OpenAICompatibleModel
from purpose_agent.models.rate_limit import RateLimit, limiter_of
from purpose_agent.models.registry import PROVIDERS, Provider

OLLAMA_SECONDS = 1.0
# About 3B parameters and below; makers round.
SMALL_BILLIONS = 3.5
# The rest of the machine's memory is for the window and for everybody else.
MOST_OF_MEMORY = 0.6
OLLAMA_NAME = re.compile(r"[\w.-]+(/[\w.-]+)*(:[\w.-]+)?")
SIZE = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)b(?![a-z0-9])|(?<![\d.])(\d{2,4})m(?![a-z0-9])", re.IGNORECASE)
NOT_FOR_CHAT = re.compile(r"embed|bert|\bbge\b|minilm|rerank", re.IGNORECASE)
OTHERS = frozenset({"anthropic", "azure", "bedrock", "claude", "cohere", "gemini", "google", "huggingface", "vertex", "xai"})
"""Prefixes that people try and that we have no row for; read as Ollama names they would fail late and oddly."""


def resolve_model(spec: str | Model | None = None, *, rate_limit: RateLimit | None = None) -> Model:
    """The model that `spec` means.

    Args:
        spec: "PROVIDER:MODEL"; "MODEL" or "MODEL:TAG" of Ollama; an address up to `/v1`, with "#MODEL" or without;
            "local:NAME" of the catalogue, or a path that ends in `.gguf`; a model object, which is given back; or None
            for the best that is there.
        rate_limit: For all models of that server in this process together, those that were made before too; None leaves what
            holds.

    Raises:
        UsageError: The spec is "none", which only an agent can be given; or a rate limit for a model that asks no server.
        UnknownModel: The spec can't be read.
        MissingKey: The provider asks for a key, and its variable isn't set.
        MissingExtra: A local model was asked for, and the engine isn't installed.
        NoModelFound: Nothing is there, or the local model's file isn't.
    """
    if spec is None:
        model = _best()
    elif isinstance(spec, str):
        model = _meant(spec)
    else:
        model = spec
    if rate_limit is not None:
        if not isinstance(model, OpenAICompatibleModel):
            raise UsageError(f"{model.name} asks no server, so no rate limit can be held for it: leave rate_limit out.")
        model.limiter.limit = rate_limit
    return model


def _meant(spec: str) -> Model:
    if is_no_model(spec):
        raise UsageError(
            f"{spec!r} is no model, and this needs one: name it, such as 'ollama:qwen3:1.7b'. Only an agent can be without: "
            'Agent(model="none") chooses among options by what it learned.'
        )
    text = spec.strip()
    if text.lower().startswith(("http://", "https://")):
        return _at_address(text)
    prefix, divider, model = text.partition(":")
    prefix = prefix.lower()
    if divider and prefix == "local":
        return _local(model.strip(), text)
    if divider and prefix in PROVIDERS:
        return _of_provider(PROVIDERS[prefix], model.strip())
    if text.endswith(".gguf"):
        return _local(text, text)
    if prefix in (*PROVIDERS, "local", *OTHERS) or "/" in model or not OLLAMA_NAME.fullmatch(text):
        raise _unknown(text, prefix)
    return _of_provider(PROVIDERS["ollama"], text)


def is_small(model: str) -> bool:
    """Whether the name tells of about three billion parameters or fewer: "qwen3:1.7b", "SmolLM2-135M".

    Of several sizes in one name ("30b-a3b") the largest counts. A name that tells no size is not small.
    """
    sizes = [float(billions) if billions else float(millions) / 1000 for billions, millions in SIZE.findall(model)]
    return bool(sizes) and max(sizes) <= SMALL_BILLIONS


def _unknown(spec: str, prefix: str) -> UnknownModel:
    known = ", ".join(sorted([*PROVIDERS, "local"]))
    if prefix in PROVIDERS or prefix == "local":
        return UnknownModel(f"{spec!r} names no model. Write '{prefix}:MODEL'.")
    return UnknownModel(
        f"No provider is called {prefix!r} (in {spec!r}). Known: {known}. For a local model, try 'ollama:qwen3:1.7b' or "
        f"'local:{DEFAULT_MODEL}'; for any OpenAI-compatible server, its address: 'http://HOST:PORT/v1#MODEL'."
    )


def _local(name: str, spec: str) -> Model:
    from purpose_agent.models.local import LocalModel

    if not name:
        raise _unknown(spec, "local")
    return LocalModel(name)


def _of_provider(provider: Provider, model: str) -> Model:
    if not model:
        raise _unknown(f"{provider.prefix}:", provider.prefix)
    key = provider.key
    # A server of one's own, put in the provider's place, may ask for none.
    if provider.key_variable and key is None and not provider.moved:
        raise MissingKey(
            f"{provider.prefix}:{model} needs a key: export {provider.key_variable}=... (get one at {provider.key_page})."
        )
    own = provider.moved and provider.prefix != "ollama"
    capabilities = _of_any_server(provider.address) if own else provider.capabilities
    return OpenAICompatibleModel(
        name=f"{provider.prefix}:{model}",
        model=model,
        base_url=provider.address,
        api_key=key,
        capabilities=_for_model(
            _ollama_window(capabilities, provider.address) if provider.prefix == "ollama" else capabilities, model
        ),
        dialect=provider.dialect,
        headers=None if own else provider.headers,
        renames=None if own else provider.renames,
        # A server in the provider's place that has a model of the provider's name passes questions on to it, at its price.
        provider=provider.prefix,
        limiter=limiter_of(_origin(provider.address)),
    )


def _at_address(spec: str) -> Model:
    """A server of any make. Its model, if none is named, is the first that it lists."""
    address, _, model = spec.partition("#")
    address = address.rstrip("/")
    # Not shown: what can't be read can't be freed of the password it may hold.
    if not _origin(address)[1] or "?" in address:
        raise UnknownModel("That is no server's address. Write 'http://HOST:PORT/v1#MODEL', with no '?' in it.")
    shown = without_credentials(address)
    return OpenAICompatibleModel(
        name=f"{shown}#{model}" if model else shown,
        model=model or None,
        base_url=address,
        api_key=_key_for(address),
        capabilities=_for_model(_of_any_server(address), model),
        provider=_provider_at(address),
        limiter=limiter_of(_origin(address)),
    )


def _key_for(address: str) -> str | None:
    """The key of the provider that lives at this very origin."""
    return next((row.key for row in PROVIDERS.values() if row.key and _origin(row.address) == _origin(address)), None)


def _provider_at(address: str) -> str | None:
    """The provider that lives at this very origin, as it does for everybody."""
    return next((row.prefix for row in PROVIDERS.values() if _origin(row.base_url) == _origin(address)), None)


def _origin(url: str) -> tuple[str, str, int | None]:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, (parts.hostname or "").lower(), port or {"http": 80, "https": 443}.get(parts.scheme)


def _of_any_server(address: str) -> Capabilities:
    """What the common servers have in common: all keep to a schema, not all take tools."""
    return Capabilities(native_tools=False, schema=True, local=is_loopback(address))


def _for_model(capabilities: Capabilities, model: str) -> Capabilities:
    return replace(capabilities, small=True) if is_small(model) else capabilities


def _ollama_window(capabilities: Capabilities, address: str) -> Capabilities:
    window = os.environ.get("OLLAMA_CONTEXT_LENGTH", "")
    tokens = int(window) if window.isdecimal() and int(window) > 0 else capabilities.context_tokens
    return replace(capabilities, context_tokens=tokens, local=is_loopback(address))


# Without a spec: what is there?


@dataclass(frozen=True, slots=True)
class _Looked:
    """One place: the model it has, or why it has none."""

    place: str
    found: Model | str


def _best() -> Model:
    places: tuple[Callable[[], _Looked], ...] = (_named, _pulled_model, _running_ollama, _own_server, _provider_with_key)
    looked: list[_Looked] = []
    for place in places:
        looked.append(place())
        if not isinstance(looked[-1].found, str):
            return looked[-1].found
    rows = "\n".join(f"  {number}. {row.place}: {row.found}" for number, row in enumerate(looked, start=1))
    raise NoModelFound(
        f"No model was found. Looked for, in this order:\n{rows}\n"
        "Three ways to get one:\n"
        "  - in this process:   pip install 'purpose-agent[local]' && purpose-agent models pull\n"
        f"  - through Ollama:    install it ({PROVIDERS['ollama'].key_page}), then: ollama pull qwen3:1.7b\n"
        "  - from a provider:   export OPENAI_API_KEY=... PURPOSE_AGENT_MODEL=openai:MODEL (or another provider's), or\n"
        "                       export OPENAI_BASE_URL=http://HOST:PORT/v1 for any OpenAI-compatible server"
    )


def _named() -> _Looked:
    spec = os.environ.get("PURPOSE_AGENT_MODEL", "").strip()
    return _Looked("PURPOSE_AGENT_MODEL", resolve_model(spec) if spec else "not set")


def _pulled_model() -> _Looked:
    place = "a pulled model"
    names = pulled()
    if not names:
        return _Looked(place, f"none in {cache_dir()}")
    try:
        return _Looked(place, _local(names[0], names[0]))
    except MissingExtra as error:
        return _Looked(place, f"{names[0]} is here, but: {error}")


def _running_ollama() -> _Looked:
    provider = PROVIDERS["ollama"]
    root = provider.address.removesuffix("/v1")
    place = f"Ollama at {without_credentials(root)}"
    answer = get_json_now(f"{root}/api/tags", seconds=OLLAMA_SECONDS)
    if not isinstance(answer, dict):
        return _Looked(place, "nobody answers there")
    name = _best_of(answer.get("models"), _memory_bytes() if is_loopback(root) else None)
    if name is None:
        return _Looked(place, "it is running, but has no model of its own to chat with: ollama pull qwen3:1.7b")
    return _Looked(place, _of_provider(provider, name))


def _best_of(models: object, memory: int | None) -> str | None:
    """The largest that fits into the memory, else the smallest; None if there is none.

    Embedding models can't chat; models that run in Ollama's cloud were not asked for.
    """
    sizes: dict[str, int] = {}
    for name, row in _rows(models):
        size = row.get("size")
        if not NOT_FOR_CHAT.search(name) and not row.get("remote_host") and not name.endswith(("-cloud", ":cloud")):
            sizes[name] = size if isinstance(size, int) else 0
    if not sizes:
        return None
    fitting = [name for name, size in sizes.items() if memory is None or size <= MOST_OF_MEMORY * memory]
    return max(fitting, key=lambda name: sizes[name]) if fitting else min(sizes, key=lambda name: sizes[name])


def _rows(models: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for row in cast(list[object], models) if isinstance(models, list) else []:
        if isinstance(row, dict):
            named = cast(dict[str, Any], row)
            if isinstance(named.get("name"), str) and named["name"]:
                yield named["name"], named


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _own_server() -> _Looked:
    provider = PROVIDERS["openai"]
    if not provider.moved:
        return _Looked("OPENAI_BASE_URL", "not set")
    return _Looked("OPENAI_BASE_URL", _at_address(provider.address))


def _provider_with_key() -> _Looked:
    keyed = [row for row in PROVIDERS.values() if row.key]
    for row in keyed:
        if row.default_model:
            return _Looked(f"{row.key_variable}", _of_provider(row, row.default_model))
    if not keyed:
        names = ", ".join(row.key_variable for row in PROVIDERS.values() if row.key_variable)
        return _Looked("a provider's key", f"none of {names} is set")
    advice = "; ".join(f"{row.key_variable} is set: name a model too, PURPOSE_AGENT_MODEL={row.prefix}:MODEL" for row in keyed)
    return _Looked("a provider's key", advice)
