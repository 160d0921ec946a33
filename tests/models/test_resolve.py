"""A spec leads to one model and back again; without one, only what is really there is used; keys stay at home."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from purpose_agent.core.errors import MissingExtra, MissingKey, NoModelFound, UnknownModel, UsageError
from purpose_agent.core.messages import user
from purpose_agent.core.model import Model, ModelRequest
from purpose_agent.models import local
from purpose_agent.models.openai_compatible import OpenAICompatibleModel
from purpose_agent.models.registry import PROVIDERS, ollama_url
from purpose_agent.models.resolve import is_small, resolve_model
from purpose_agent.testing.models import RuleModel
from tests.models.wire import ChatServer, Reply, completion, serving

NOBODY = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with no key, no weights and no server."""
    for row in PROVIDERS.values():
        for variable in (row.key_variable, row.url_variable):
            if variable:
                monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("PURPOSE_AGENT_MODEL", raising=False)
    monkeypatch.delenv("OLLAMA_CONTEXT_LENGTH", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", NOBODY)
    monkeypatch.setenv("PURPOSE_AGENT_MODELS", str(tmp_path))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(Reply(completion())) as running:
        yield running


def client(spec: str | Model | None) -> OpenAICompatibleModel:
    model = resolve_model(spec)
    assert isinstance(model, OpenAICompatibleModel)
    return model


# With a spec


def test_a_model_object_is_given_back() -> None:
    model = RuleModel(lambda _: "yes")

    assert resolve_model(model) is model


@pytest.mark.parametrize(
    ("spec", "name", "model"),
    [
        ("ollama:qwen3:1.7b", "ollama:qwen3:1.7b", "qwen3:1.7b"),
        ("qwen3:1.7b", "ollama:qwen3:1.7b", "qwen3:1.7b"),
        (" qwen3 ", "ollama:qwen3", "qwen3"),
        ("someone/tuned:latest", "ollama:someone/tuned:latest", "someone/tuned:latest"),
        ("ollama:hf.co/Qwen/Qwen3-GGUF:Q8_0", "ollama:hf.co/Qwen/Qwen3-GGUF:Q8_0", "hf.co/Qwen/Qwen3-GGUF:Q8_0"),
        ("OLLAMA:phi4", "ollama:phi4", "phi4"),
    ],
)
def test_a_name_and_tag_is_ollamas(spec: str, name: str, model: str) -> None:
    found = client(spec)

    assert (found.name, found.model, found.dialect) == (name, model, "ollama")
    assert found.base_url == f"http://{NOBODY}/v1"
    assert found.capabilities.local


@pytest.mark.parametrize("prefix", sorted(PROVIDERS.keys() - {"ollama"}))
def test_every_provider_is_reached_at_its_address_with_its_key(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = PROVIDERS[prefix]
    assert row.key_variable is not None
    monkeypatch.setenv(row.key_variable, "secret")

    found = client(f"{prefix}:maker/model:free")

    assert (found.name, found.model, found.base_url) == (f"{prefix}:maker/model:free", "maker/model:free", row.base_url)
    assert found.base_url.startswith("https://")
    assert not found.capabilities.local


@pytest.mark.parametrize("prefix", sorted(PROVIDERS.keys() - {"ollama"}))
def test_a_missing_key_is_named(prefix: str) -> None:
    row = PROVIDERS[prefix]

    with pytest.raises(MissingKey, match=f"export {row.key_variable}=.*{row.key_page}"):
        resolve_model(f"{prefix}:some-model")


@pytest.mark.parametrize(
    "spec",
    [
        *("", " ", ":", "foo:bar/baz", "anthropic:claude", "gemini:flash", "claude", "two words", "a:b:c", "ollama", "openai"),
        *(
            "local",
            "ollama:",
            "openai: ",
            "local:",
            "http://",
            "https://#m",
            "http://[bad/v1",
            "http://host:port/v1",
            "http://h/v1?key=1",
        ),
        "ftp://host/v1",
    ],
)
def test_a_spec_that_cant_be_read_is_refused(spec: str) -> None:
    with pytest.raises(UnknownModel):
        resolve_model(spec)


def test_the_refusal_lists_the_providers_and_shows_the_way() -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve_model("foo:bar/baz")

    said = str(caught.value)
    assert all(prefix in said for prefix in PROVIDERS)
    assert "'ollama:qwen3:1.7b'" in said


def test_a_local_name_is_looked_up_in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_require_engine", lambda: None)

    with pytest.raises(UnknownModel, match="nonesuch"):
        resolve_model("local:nonesuch")
    with pytest.raises(NoModelFound, match=r"purpose-agent models pull qwen2\.5-coder:1\.5b"):
        resolve_model("local:qwen2.5-coder")


@pytest.mark.parametrize("prefix", ["local:", ""])
def test_a_file_of_ones_own_is_a_local_model(prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_require_engine", lambda: None)
    path = tmp_path / "own.gguf"
    path.touch()

    model = resolve_model(f"{prefix}{path}")

    assert model.name == f"local:{path}"
    assert resolve_model(model.name).name == model.name


# Addresses


@pytest.mark.parametrize(
    ("spec", "name", "model"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1", None),
        ("http://127.0.0.1:8000/v1/#tiny", "http://127.0.0.1:8000/v1#tiny", "tiny"),
        ("https://gpu.example/v1#maker/model:7b", "https://gpu.example/v1#maker/model:7b", "maker/model:7b"),
        ("http://me:word@gpu.example/v1#m", "http://gpu.example/v1#m", "m"),
    ],
)
def test_an_address_is_any_compatible_server(spec: str, name: str, model: str | None) -> None:
    found = client(spec)

    assert (found.name, found.model) == (name, model)
    assert "word" not in f"{found.name} {found!r}"
    assert found.capabilities.local == ("127.0.0.1" in spec)


def test_openai_can_be_moved_and_then_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1/")

    found = client("openai:tiny")

    assert (found.name, found.base_url) == ("openai:tiny", "http://127.0.0.1:8000/v1")
    assert found.capabilities.local


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("moved_here", "spec", "sent"),
    [
        pytest.param(True, "{url}#tiny", "Bearer secret", id="the address that OPENAI_BASE_URL names"),
        pytest.param(True, "openai:tiny", "Bearer secret", id="the provider, moved there"),
        pytest.param(False, "{url}#tiny", None, id="some other address"),
        pytest.param(False, "ollama:tiny", None, id="Ollama"),
    ],
)
async def test_the_openai_key_goes_to_its_own_address_only(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, moved_here: bool, spec: str, sent: str | None
) -> None:
    for row in PROVIDERS.values():
        if row.key_variable:
            monkeypatch.setenv(row.key_variable, "secret" if row.prefix == "openai" else "another")
    # The same host on another port is another server.
    monkeypatch.setenv("OPENAI_BASE_URL", server.url if moved_here else "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OLLAMA_HOST", server.root)

    await resolve_model(spec.format(url=server.url)).generate(ModelRequest(messages=(user("hello"),)))

    assert server.asked[0].headers.get("authorization") == sent


@pytest.mark.anyio
async def test_a_providers_quirks_stay_with_its_own_server(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)

    await resolve_model("openai:tiny").generate(ModelRequest(messages=(user("hello"),), max_tokens=5, temperature=0.5))

    assert (server.asked[0].body["max_tokens"], server.asked[0].body["temperature"]) == (5, 0.5)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("gpu", "http://gpu:11434"),
        ("gpu:8080", "http://gpu:8080"),
        (' "gpu:8080" ', "http://gpu:8080"),
        ("gpu:none", "http://gpu:11434"),
        ("http://gpu", "http://gpu:80"),
        ("https://gpu.example", "https://gpu.example:443"),
        ("https://gpu.example:8443/ollama/", "https://gpu.example:8443/ollama"),
        ("http://0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("::1", "http://[::1]:11434"),
        ("[::]", "http://[::1]:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert ollama_url(host) == url


def test_ollama_on_another_machine_is_not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "gpu:8080")
    monkeypatch.setenv("OLLAMA_CONTEXT_LENGTH", "32768")

    found = client("qwen3:8b")

    assert found.base_url == "http://gpu:8080/v1"
    assert (found.capabilities.local, found.capabilities.context_tokens) == (False, 32_768)


@pytest.mark.parametrize(
    ("model", "small"),
    [
        *(
            (name, True)
            for name in ("qwen3:1.7b", "qwen2.5-coder:0.5b", "Llama-3.2-3B-Instruct", "SmolLM2-135M", "gemma3n:e2b")
        ),
        *((name, True) for name in ("qwen2.5-coder-1.5b-instruct-q4_k_m", "phi:2.7b-q4_0")),
        *((name, False) for name in ("qwen3:8b", "qwen3:30b-a3b", "gpt-6", "phi4", "mixtral-8x7b", "qwen2.5-7b-instruct-1m")),
    ],
)
def test_a_small_model_is_told_by_its_name(model: str, small: bool) -> None:
    assert is_small(model) == small
    assert client(f"ollama:{model}").capabilities.small == small


# Without a spec


def tags(*rows: dict[str, Any]) -> Reply:
    return Reply({"models": [{"size": 10**9, **row} for row in rows]})


def test_nothing_there_is_an_error_that_tells_what_was_looked_for_and_three_ways_out() -> None:
    with pytest.raises(NoModelFound) as caught:
        resolve_model(None)

    said = str(caught.value)
    order = [
        "PURPOSE_AGENT_MODEL: not set",
        "a pulled model: none in",
        f"Ollama at http://{NOBODY}",
        "OPENAI_BASE_URL: not set",
        "key",
    ]
    assert [said.index(place) for place in order] == sorted(said.index(place) for place in order)
    assert all(row.key_variable in said for row in PROVIDERS.values() if row.key_variable)
    assert "purpose-agent models pull" in said
    assert "ollama pull qwen3:1.7b" in said
    assert "export OPENAI_API_KEY" in said


def test_the_named_model_comes_first(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURPOSE_AGENT_MODEL", "groq:big")
    monkeypatch.setenv("GROQ_API_KEY", "secret")
    monkeypatch.setenv("OLLAMA_HOST", server.root)

    assert client(None).name == "groq:big"
    assert server.asked == []


def test_a_named_model_that_cant_be_had_is_an_error_and_nothing_takes_its_place(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PURPOSE_AGENT_MODEL", "groq:big")
    monkeypatch.setenv("OLLAMA_HOST", server.root)
    server.replies = [tags({"name": "qwen3:8b"})]

    with pytest.raises(MissingKey, match="GROQ_API_KEY"):
        resolve_model(None)


class FakeLocal:
    """Stands for a local model whose weights nobody has to fetch."""

    def __init__(self, name: str) -> None:
        self.name = f"local:{name}"


def without_engine(name: str) -> Model:
    raise MissingExtra('pip install "purpose-agent[local]"')


def test_a_pulled_model_comes_before_ollama(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("purpose_agent.models.resolve.pulled", lambda: ["qwen2.5-coder:1.5b", "smollm2:135m"])
    monkeypatch.setattr(local, "LocalModel", FakeLocal)
    monkeypatch.setenv("OLLAMA_HOST", server.root)

    assert resolve_model(None).name == "local:qwen2.5-coder:1.5b"
    assert server.asked == []


def test_a_pulled_model_without_the_engine_is_passed_over_and_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("purpose_agent.models.resolve.pulled", lambda: ["smollm2:135m"])
    monkeypatch.setattr(local, "LocalModel", without_engine)

    with pytest.raises(NoModelFound, match=r"smollm2:135m is here, but: pip install"):
        resolve_model(None)


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        pytest.param([{"name": "a:1b", "size": 1}, {"name": "b:2b", "size": 2}], "b:2b", id="the largest"),
        pytest.param([{"name": "a:1b", "size": 1}, {"name": "b:900b", "size": 10**15}], "a:1b", id="that fits"),
        pytest.param([{"name": "a", "size": 10**16}, {"name": "b", "size": 10**15}], "b", id="the smallest if none fits"),
        pytest.param([{"name": "nomic-embed-text", "size": 9}, {"name": "a:1b", "size": 1}], "a:1b", id="one that can chat"),
        pytest.param(
            [{"name": "gpt-oss:120b-cloud", "size": 1}, {"name": "c", "remote_host": "https://x"}, {"name": "a", "size": 0}],
            "a",
            id="one that runs here",
        ),
        pytest.param([{"name": 5}, {"size": 3}, {"name": "a", "size": "big"}], "a", id="one that makes sense"),
    ],
)
def test_of_ollamas_models_the_best_is_taken(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]], chosen: str
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", server.root)
    server.replies = [tags(*rows)]

    found = client(None)

    assert (found.name, found.base_url) == (f"ollama:{chosen}", server.url)
    assert [asked.path for asked in server.asked] == ["/api/tags"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (tags(), "has no model of its own"),
        (tags({"name": "nomic-embed-text"}), "has no model of its own"),
        (Reply({"models": "none"}), "has no model of its own"),
        (Reply(b"<html>"), "nobody answers"),
        (Reply([]), "nobody answers"),
        (Reply({}, status=500), "nobody answers"),
    ],
)
def test_an_ollama_without_a_model_is_not_enough(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, reply: Reply, said: str
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", server.root)
    server.replies = [reply]

    with pytest.raises(NoModelFound, match=said):
        resolve_model(None)


def test_the_server_at_openai_base_url_comes_after_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    monkeypatch.setenv("MISTRAL_API_KEY", "secret")

    found = client(None)

    assert (found.name, found.model) == ("http://127.0.0.1:8000/v1", None)


@pytest.mark.parametrize("row", [row for row in PROVIDERS.values() if row.default_model], ids=lambda row: row.prefix)
def test_a_key_is_enough_where_the_provider_keeps_a_name_for_its_current_model(
    row: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(row.key_variable, "secret")

    assert client(None).name == f"{row.prefix}:{row.default_model}"


def test_a_key_of_any_other_provider_asks_for_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")

    with pytest.raises(NoModelFound, match="OPENAI_API_KEY is set: name a model too") as caught:
        resolve_model(None)

    assert "sk-very-secret" not in str(caught.value)


def test_looking_around_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PURPOSE_AGENT_MODELS", str(tmp_path / "models"))
    threads = threading.active_count()

    with pytest.raises(NoModelFound):
        resolve_model(None)

    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads


@pytest.mark.parametrize("spec", ["none", " None"])
def test_none_is_no_model_and_the_message_names_who_can_be_without(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"Agent\(model=\"none\"\)"):
        resolve_model(spec)
    monkeypatch.setenv("PURPOSE_AGENT_MODEL", spec)
    with pytest.raises(UsageError, match=r"Agent\(model=\"none\"\)"):
        resolve_model(None)
