"""What tokens cost: by the table, by the server's own word, by the price that was given; unknown is unknown."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import purpose_agent as pa
from purpose_agent.core.model import Capabilities, Usage
from purpose_agent.models import pricing
from purpose_agent.models.openai_compatible import Price
from purpose_agent.models.registry import PROVIDERS
from purpose_agent.models.resolve import resolve_model
from tests.models.test_openai_compatible import ask, client
from tests.models.wire import ChatServer, Reply, completion, serving

pytestmark = pytest.mark.anyio

PER_MILLION = 1_000_000
NAMED: dict[str, Any] = {**completion('{"answer": "four"}'), "model": "gpt-4o-2024-08-06"}
GPT_4O = (4 * 2.5 + 8 * 1.25 + 3 * 10) / PER_MILLION
"""Of `completion`'s 12 tokens read, 8 of them cached, and 3 written, at $2.50, $1.25 and $10 a million."""


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(Reply(NAMED)) as running:
        yield running


@pytest.fixture
def placed(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> ChatServer:
    """The server stands where the provider is."""
    for prefix in ("openai", "openrouter", "groq"):
        row = PROVIDERS[prefix]
        monkeypatch.setitem(cast("dict[str, Any]", PROVIDERS), prefix, replace(row, base_url=server.url))
        monkeypatch.setenv(str(row.key_variable), "key")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return server


def test_cached_tokens_have_their_own_price() -> None:
    fresh = pricing.usd_of("openai", "gpt-4o", Usage(PER_MILLION, 0))
    cached = pricing.usd_of("openai", "gpt-4o", Usage(PER_MILLION, 0, PER_MILLION))

    assert (fresh, cached) == (2.5, 1.25)


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "no-such-model"), ("openai", ""), ("ollama", "gpt-4o"), ("hf", "gpt-4o"), ("nobody", "gpt-4o")],
)
def test_what_the_table_does_not_have_is_unknown(provider: str, model: str) -> None:
    assert pricing.usd_of(provider, model, Usage(10, 10)) is None


def test_without_the_extra_every_price_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "TABLE", "a_package_that_is_not_there")

    assert not pricing.is_installed()
    assert pricing.usd_of("openai", "gpt-4o", Usage(10, 10)) is None


def test_looking_up_a_price_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a price was asked for over the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    assert pricing.usd_of("mistral", "mistral-small-latest", Usage(10, 10)) is not None


async def test_a_run_costs_what_the_table_says(placed: ChatServer, tmp_path: Path) -> None:
    agent = pa.Agent("asker", model="openai:gpt-4o", critic=None, workspace=tmp_path, mode="validation")

    result = await agent.run_async("What is two and two?")

    assert result.status == "finished"
    assert result.usage.usd == pytest.approx(GPT_4O)


async def test_a_name_of_the_servers_own_has_the_price_of_the_model_asked_for(placed: ChatServer) -> None:
    placed.replies = [Reply({**NAMED, "model": "gpt-4o-of-next-year"})]

    response = await ask(cast("Any", resolve_model("openai:gpt-4o")))

    assert response.usage.usd == pytest.approx(GPT_4O)


async def test_what_openrouter_says_goes_before_the_table(placed: ChatServer) -> None:
    usage: dict[str, Any] = {**NAMED["usage"], "cost": 0.5}
    placed.replies = [Reply({**NAMED, "model": "openai/gpt-4o", "usage": usage})]

    told = await ask(cast("Any", resolve_model("openrouter:openai/gpt-4o")))
    others = await ask(cast("Any", resolve_model("groq:some-model")))

    assert told.usage.usd == 0.5
    assert others.usage.usd is None, "what another server calls cost may be no dollars"


@pytest.mark.parametrize(
    ("options", "usd"),
    [
        pytest.param({"provider": "openai", "price": Price(input=1.0, output=0.0)}, 12 / PER_MILLION, id="given"),
        pytest.param({"capabilities": Capabilities(local=True), "price": Price(1.0, 0.0)}, 12 / PER_MILLION, id="given, local"),
        pytest.param({"provider": "openai"}, GPT_4O, id="table"),
        pytest.param({"capabilities": Capabilities(local=True)}, 0.0, id="local"),
        pytest.param({}, None, id="unknown"),
    ],
)
async def test_a_given_price_wins_then_the_table_then_local(
    server: ChatServer, options: dict[str, Any], usd: float | None
) -> None:
    response = await ask(client(server.url, **options))

    assert response.usage.usd == (None if usd is None else pytest.approx(usd))
