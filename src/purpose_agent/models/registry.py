"""The providers, one row each: prefix, address, key, and what their servers call or do differently.

In:  a prefix, as in "groq:MODEL".
Out: its row, and the address and the key as the environment has them.

Capabilities say what holds for every model of a provider; a schema that only some keep to counts as none.
No prices: they change faster than releases (`pricing.py` looks them up).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from purpose_agent.core.model import Capabilities
from purpose_agent.models.openai_compatible import Dialect

OLLAMA_PORT = 11434


@dataclass(frozen=True, slots=True)
class Provider:
    """One row.

    Attributes:
        base_url: Up to and including `/v1`, unless `url_variable` says otherwise.
        key_variable: The environment variable that holds the key; None where none is asked for.
        key_page: Where one gets a key, or the server itself.
        url_variable: The environment variable that moves the address.
        default_model: A name that the provider keeps pointing at a current model, or None. Names of single models
            are shut down within months, so a provider without such a name has no default.
        headers: Sent with every request.
        renames: As in `OpenAICompatibleModel`.
    """

    prefix: str
    base_url: str
    key_variable: str | None
    key_page: str
    url_variable: str | None = None
    default_model: str | None = None
    capabilities: Capabilities = field(default_factory=Capabilities)
    dialect: Dialect = "openai"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    renames: Mapping[str, str | None] = field(default_factory=dict[str, str | None])

    @property
    def address(self) -> str:
        """The base URL, as the environment has it."""
        given = (os.environ.get(self.url_variable) or "").strip() if self.url_variable else ""
        if self.prefix == "ollama":
            return f"{ollama_url(given)}/v1"
        return (given or self.base_url).rstrip("/")

    @property
    def moved(self) -> bool:
        """The environment points it at another server, of which nothing else in the row is known to hold."""
        return self.address != self.base_url

    @property
    def key(self) -> str | None:
        """The key, or None if there is none."""
        return (os.environ.get(self.key_variable) or "").strip() or None if self.key_variable else None


PROVIDERS: Mapping[str, Provider] = {
    row.prefix: row
    for row in (
        Provider(
            prefix="ollama",
            base_url=f"http://127.0.0.1:{OLLAMA_PORT}/v1",
            key_variable=None,
            key_page="https://ollama.com/download",
            url_variable="OLLAMA_HOST",
            # Tools are refused by models whose template has none; a schema becomes a grammar, which holds for all.
            # The window is Ollama's smallest default: what goes beyond it is cut off without a word.
            capabilities=Capabilities(native_tools=False, schema=True, choices=True, context_tokens=4096, local=True),
            dialect="ollama",
        ),
        Provider(
            prefix="openrouter",
            base_url="https://openrouter.ai/api/v1",
            key_variable="OPENROUTER_API_KEY",
            key_page="https://openrouter.ai/settings/keys",
            default_model="openrouter/auto",
            capabilities=Capabilities(native_tools=True, schema=False),
            headers={"X-Title": "purpose-agent"},
        ),
        Provider(
            prefix="groq",
            base_url="https://api.groq.com/openai/v1",
            key_variable="GROQ_API_KEY",
            key_page="https://console.groq.com/keys",
            capabilities=Capabilities(native_tools=True, schema=False),
        ),
        Provider(
            prefix="openai",
            base_url="https://api.openai.com/v1",
            key_variable="OPENAI_API_KEY",
            key_page="https://platform.openai.com/api-keys",
            url_variable="OPENAI_BASE_URL",
            capabilities=Capabilities(native_tools=True, schema=True, choices=True, context_tokens=128_000),
            # Its models reason: they refuse max_tokens, and any temperature but their own.
            renames={"max_tokens": "max_completion_tokens", "temperature": None},
        ),
        Provider(
            prefix="together",
            base_url="https://api.together.ai/v1",
            key_variable="TOGETHER_API_KEY",
            key_page="https://api.together.ai/settings/api-keys",
            capabilities=Capabilities(native_tools=False, schema=True),
        ),
        Provider(
            prefix="fireworks",
            base_url="https://api.fireworks.ai/inference/v1",
            key_variable="FIREWORKS_API_KEY",
            key_page="https://fireworks.ai/account/api-keys",
            capabilities=Capabilities(native_tools=False, schema=True, choices=True),
        ),
        Provider(
            prefix="cerebras",
            base_url="https://api.cerebras.ai/v1",
            key_variable="CEREBRAS_API_KEY",
            key_page="https://cloud.cerebras.ai",
            capabilities=Capabilities(native_tools=True, schema=True, choices=True),
            renames={"max_tokens": "max_completion_tokens"},
        ),
        Provider(
            prefix="deepseek",
            base_url="https://api.deepseek.com/v1",
            key_variable="DEEPSEEK_API_KEY",
            key_page="https://platform.deepseek.com/api_keys",
            # It knows json_object only, and refuses json_schema.
            capabilities=Capabilities(native_tools=True, schema=False),
        ),
        Provider(
            prefix="mistral",
            base_url="https://api.mistral.ai/v1",
            key_variable="MISTRAL_API_KEY",
            key_page="https://console.mistral.ai/api-keys",
            default_model="mistral-small-latest",
            capabilities=Capabilities(native_tools=True, schema=True, choices=True),
            # It refuses fields it doesn't know; usage comes with the last piece of a stream unasked.
            renames={"seed": "random_seed", "stream_options": None},
        ),
        Provider(
            prefix="hf",
            base_url="https://router.huggingface.co/v1",
            key_variable="HF_TOKEN",
            key_page="https://huggingface.co/settings/tokens",
            capabilities=Capabilities(native_tools=False, schema=False),
        ),
    )
}


def ollama_url(host: str) -> str:
    """The address of the server that OLLAMA_HOST names, read as Ollama reads it: scheme and port may be missing.

    A server told to listen everywhere (0.0.0.0, [::]) is asked on this machine.
    """
    text = host.strip().strip("\"'").strip()
    scheme, divider, rest = text.partition("://")
    if not divider:
        scheme, rest = "http", text
    port = {"http": 80, "https": 443}.get(scheme, OLLAMA_PORT) if divider else OLLAMA_PORT
    place, _, path = rest.partition("/")
    credentials, at, place = place.rpartition("@")
    if place.startswith("["):
        name, _, after = place[1:].partition("]")
        given = after.removeprefix(":")
    elif place.count(":") > 1:
        name, given = place, ""
    else:
        name, _, given = place.partition(":")
    if given.isdecimal() and 0 < int(given) < 65_536:
        port = int(given)
    name = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{credentials}{at}{name}:{port}/{path}".rstrip("/")
