"""One client for every server that speaks OpenAI's chat completions.

In:  a `ModelRequest`.
Out: a `ModelResponse`, whole or piece by piece.

Three dialects differ in how a choice among strings is asked for: llama.cpp takes a grammar and tells the
probabilities, the others take a JSON schema. What a server calls a field differently is in `renames`.
Does not pick a provider (`registry.py`, `resolve.py`) or read actions out of text (`decode.py`). A schema, choices or
tools are sent even if the capabilities deny them: the server's refusal is then seen, not hidden.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias, cast

from purpose_agent.core.errors import ModelError, ModelOutputError, ModelRefused, ModelTimeout, UsageError
from purpose_agent.core.messages import Message, Part, Text
from purpose_agent.core.model import Capabilities, ModelRequest, ModelResponse, Stop, TextDelta, Usage
from purpose_agent.core.noticing import tell_of_wait
from purpose_agent.models.choices import choice_probabilities, choice_schema, grammar_of, unwrapped
from purpose_agent.models.decode import ThinkingFilter, strip_thinking
from purpose_agent.models.http import RETRIED, LoopClients, RetryPolicy, retry_after, sent, without_credentials
from purpose_agent.models.pricing import usd_of
from purpose_agent.models.rate_limit import RateLimiter, Turn
from purpose_agent.models.streamed import Collected
from purpose_agent.models.wire import (
    as_amount,
    as_count,
    as_object,
    as_objects,
    encoded,
    error_in,
    refuse_constant,
    response_format,
    tool_call,
    wire_messages,
)

if TYPE_CHECKING:
    import httpx2

Dialect: TypeAlias = Literal["openai", "llama_cpp", "ollama"]

REMOTE_SECONDS = 120.0
# A loaded core reads some sixteen and writes some six tokens a second.
LOCAL_SECONDS = 900.0
# What {"choice": "…"} adds to the tokens of the choice.
WRAPPER_TOKENS = 16
# What an answer is expected to take where the request sets no bound: for the rate limit, until it is there.
EXPECTED_TOKENS = 500
TOLD_IN_USD = frozenset({"openrouter"})
"""Providers whose servers say in `usage.cost` what a call cost, in US dollars."""

STOPS: Mapping[str, Stop] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "filter",
}


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. `cached` is the price of prompt tokens served from the provider's cache; None: as `input`."""

    input: float
    output: float
    cached: float | None = None

    def usd(self, input_tokens: int, output_tokens: int, cached_tokens: int) -> float:
        """What that many tokens cost; cached ones are part of the input."""
        cached = self.input if self.cached is None else self.cached
        fresh = input_tokens - cached_tokens
        return (fresh * self.input + cached_tokens * cached + output_tokens * self.output) / 1_000_000


class OpenAICompatibleModel:
    """A model behind an OpenAI-compatible address.

    Args:
        name: The spec that leads back to this model.
        model: What the server calls it; None asks the server for its first one, once.
        base_url: Up to and including `/v1`.
        api_key: Sent as a bearer token; never part of a message, a name or a log.
        capabilities: What it can be asked for.
        dialect: How a choice among strings is asked for.
        headers: Sent with every request.
        timeout: Seconds for a whole call, retries included, but not the wait for its turn; None means two minutes, or fifteen on
            this machine.
        price: For `Usage.usd`. None: what the server says, else the provider's list price, else 0.0 where the capabilities say
            local, else unknown.
        provider: Whose list price holds, such as "openai"; None: nobody's.
        renames: Wire fields that the server calls differently; None leaves the field out.
        retry: How often failed calls are tried again.
        limiter: When it may ask; shared by all models of one server. None: whenever it wants, but for what the server says.

    Raises:
        UsageError: The address is none, or the key can't be sent in a header.
    """

    def __init__(
        self,
        name: str,
        *,
        model: str | None,
        base_url: str,
        api_key: str | None = None,
        capabilities: Capabilities | None = None,
        dialect: Dialect = "openai",
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        price: Price | None = None,
        renames: Mapping[str, str | None] | None = None,
        retry: RetryPolicy | None = None,
        provider: str | None = None,
        limiter: RateLimiter | None = None,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise UsageError(f"A model's address starts with http:// or https://; {base_url!r} does not.")
        self._name = name
        self._model = model
        self._base_url = base_url.rstrip("/")
        self._key = _checked_key(api_key, name)
        self._capabilities = capabilities or Capabilities()
        self._dialect: Dialect = dialect
        self._headers = dict(headers or {})
        self._seconds = timeout or (LOCAL_SECONDS if self._capabilities.local else REMOTE_SECONDS)
        self._price = price
        self._renames = dict(renames or {})
        self._retry = retry or RetryPolicy()
        self._provider = provider
        self.limiter = limiter or RateLimiter()
        self._clients = LoopClients(self._base_url, self._seconds)

    def __repr__(self) -> str:
        return f"OpenAICompatibleModel({self._name!r}, base_url={self.base_url!r})"

    @property
    def name(self) -> str:
        """The spec that leads back to this model."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked for."""
        return self._capabilities

    @property
    def base_url(self) -> str:
        """Where it is asked, without credentials."""
        return without_credentials(self._base_url)

    @property
    def model(self) -> str | None:
        """What the server calls it; None until the server was asked."""
        return self._model

    @property
    def dialect(self) -> Dialect:
        """How it is asked for a choice."""
        return self._dialect

    async def aclose(self) -> None:
        """Close the connections of the running event loop. The end of the loop does it too."""
        await self._clients.aclose()

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Answer once.

        Raises:
            ModelUnreachable: Nobody answers at the address.
            ModelRefused: The server answered with an error.
            ModelTimeout: No answer within the request's timeout, or the client's.
            ModelOutputError: What came back is no chat completion.
        """
        turn = await self._turn(request)
        async with self._time_limit(request):
            body = await self._body(request)
            response = self._response(await self._asked("POST", "/chat/completions", body, turn), request)
        turn.settle(response.usage.tokens)
        return response

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelResponse]:
        """Answer piece by piece; the last item is the whole response.

        Tried again only until the first piece. The text of a choice comes as one piece, and so does that of a server that does not
        stream.

        Raises:
            ModelError: As `generate`.
        """
        import time

        turn = await self._turn(request)
        deadline = time.monotonic() + (request.timeout or self._seconds)
        collected, shown = Collected(), ThinkingFilter()
        async with AsyncExitStack() as stack:
            async with self._time_limit(request):
                body = {**await self._body(request), "stream": True, **self._renamed("stream_options", {"include_usage": True})}
                http = await self._opened(stack, body, request, turn)
                whole = self._parsed(await self._read(http), "/chat/completions") if _is_whole(http) else None
            lines = http.aiter_lines()
            while whole is None:
                async with self._time_limit(request, deadline - time.monotonic()):
                    line = await self._next_line(lines)
                if line is None:
                    break
                visible = shown.feed(self._take(line, collected))
                if visible and not request.choices:
                    yield TextDelta(visible)
                if collected.done:
                    break
        if whole is None and not collected.done and collected.finish is None:
            raise ModelOutputError(f"The stream of {self._name} broke off before its end.")
        response = self._response(collected.as_completion() if whole is None else whole, request)
        turn.settle(response.usage.tokens)
        rest = response.text if request.choices or whole is not None else shown.end()
        if rest:
            yield TextDelta(rest)
        yield response

    # Requests

    async def _turn(self, request: ModelRequest) -> Turn:
        """The call's place among all that ask this server, once it has come."""
        tokens = 0
        if self.limiter.limit.tokens_per_minute is not None:
            tokens = (len(request.text) + sum(len(str(tool)) for tool in request.tools)) // 4
            tokens += EXPECTED_TOKENS if request.max_tokens is None else request.max_tokens
        turn = self.limiter.turn(tokens)
        await turn.wait(self._retry.wait)
        return turn

    async def _body(self, request: ModelRequest) -> dict[str, Any]:
        temperature = request.temperature
        max_tokens = request.max_tokens
        body: dict[str, Any] = {
            "model": self._model or await self._first_model(),
            "messages": [wire for message in request.messages for wire in wire_messages(message)],
        }
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
                }
                for tool in request.tools
            ]
        if request.schema is not None:
            body["response_format"] = response_format("answer", request.schema)
        if request.choices and self._dialect == "llama_cpp":
            body |= {"grammar": grammar_of(request.choices), "logprobs": True, "top_logprobs": 20}
            temperature = 0.0 if temperature is None else temperature
        elif request.choices:
            body["response_format"] = response_format("choice", choice_schema(request.choices))
            max_tokens = None if max_tokens is None else max_tokens + WRAPPER_TOKENS
        if self._dialect == "llama_cpp":
            body["cache_prompt"] = True
        for name, value in (
            ("temperature", temperature),
            ("max_tokens", max_tokens),
            ("seed", request.seed),
            ("stop", list(request.stop) or None),
        ):
            if value is not None:
                body |= self._renamed(name, value)
        return body

    def _renamed(self, name: str, value: object) -> dict[str, object]:
        wire = self._renames.get(name, name)
        return {} if wire is None else {wire: value}

    def _wire_headers(self) -> dict[str, str]:
        return {**({"Authorization": f"Bearer {self._key}"} if self._key else {}), **self._headers}

    async def _first_model(self) -> str:
        """The first model the server lists."""
        answer = await self._asked("GET", "/models", None)
        models = as_objects(answer.get("data"))
        found = next((model["id"] for model in models if isinstance(model.get("id"), str) and model["id"]), None)
        if found is None:
            raise ModelOutputError(f"{self.base_url}/models lists no model. Name one: '{self.base_url}#MODEL'.")
        self._model = str(found)
        return self._model

    async def _asked(self, method: str, path: str, body: object, turn: Turn | None = None) -> dict[str, Any]:
        """The JSON object that the server answers with, after retries."""
        async with AsyncExitStack() as stack:
            http = await self._opened(stack, body, None, turn, method=method, path=path)
            content = await self._read(http)
        return self._parsed(content, path)

    def _parsed(self, content: str, path: str) -> dict[str, Any]:
        try:
            answer: object = json.loads(content, parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ModelOutputError(f"{self.base_url}{path} answered with no JSON: {self._clean(content)}") from error
        if not isinstance(answer, dict):
            raise ModelOutputError(f"{self.base_url}{path} answered with no JSON object: {self._clean(content)}")
        found = cast(dict[str, Any], answer)
        if found.get("error") and not found.get("choices"):
            self._refuse(200, content, None)
        return found

    async def _opened(
        self,
        stack: AsyncExitStack,
        body: object,
        request: ModelRequest | None,
        turn: Turn | None,
        *,
        method: str = "POST",
        path: str = "/chat/completions",
    ) -> "httpx2.Response":
        """A successful response, open as long as `stack` is."""
        client = await self._clients.get()
        options: dict[str, Any] = {"headers": self._wire_headers()}
        if request is not None and request.timeout is not None:
            options["timeout"] = request.timeout
        if body is not None:
            options["content"] = encoded(body)
            options["headers"]["Content-Type"] = "application/json"
        attempt = 0
        while True:
            attempt += 1
            try:
                async with AsyncExitStack() as trial:
                    http = await trial.enter_async_context(sent(client, method, self._base_url + path, **options))
                    if not http.is_success:
                        self._refuse(http.status_code, await self._read(http), retry_after(http.headers))
                    stack.push_async_exit(trial.pop_all())
                    return http
            except ModelError as error:
                if turn is not None and not isinstance(error, ModelTimeout):
                    turn.settle(0)
                seconds = self._retry.seconds_before(attempt, error)
                if seconds is None:
                    raise
                failed = error
            await self._wait_to_retry(attempt + 1, seconds, failed, turn)

    async def _wait_to_retry(self, attempt: int, seconds: float, failed: ModelError, turn: Turn | None) -> None:
        asked = isinstance(failed, ModelRefused) and failed.retry_after is not None and failed.status in RETRIED
        until = self.limiter.pause(seconds) if asked else self.limiter.clock() + seconds
        tell_of_wait(attempt, seconds, str(failed))
        await self._retry.wait(seconds)
        if turn is not None:
            await turn.wait(self._retry.wait, attempt=attempt, waited_until=until)

    @staticmethod
    async def _read(http: "httpx2.Response") -> str:
        return (await http.aread()).decode(errors="replace")

    @asynccontextmanager
    async def _time_limit(self, request: ModelRequest, seconds: float | None = None) -> AsyncGenerator[None]:
        import anyio

        whole = request.timeout or self._seconds
        try:
            with anyio.fail_after(max(0.0, whole if seconds is None else seconds)):
                yield
        except TimeoutError as error:
            raise ModelTimeout(
                f"{self._name} at {self.base_url} gave no whole answer within {whole:g} s. "
                "Raise the timeout, lower max_tokens, or use a smaller model."
            ) from error

    # Answers

    def _clean(self, text: str, most: int = 300) -> str:
        """A server's words as they may be shown: short, and without the key if it echoes it."""
        text = text.replace(self._key, "[key]") if self._key else text
        text = " ".join(text.split())
        return text if len(text) <= most else text[:most] + "…"

    def _refuse(self, status: int, content: str, seconds: float | None) -> NoReturn:
        """Raise the server's error in its own words."""
        said, code = error_in(content)
        status = code if status == 200 and code is not None else status
        advice = {401: " Is the key right?", 403: " Is the key right?", 404: " Is the model's name right?"}.get(status, "")
        message = f"{self._name} at {self.base_url} refused the request ({status}): {self._clean(said)}{advice}"
        raise ModelRefused(message, status=status, retry_after=seconds)

    def _response(self, answer: Mapping[str, Any], request: ModelRequest) -> ModelResponse:
        choice = next(iter(as_objects(answer.get("choices"))), None)
        message = choice.get("message") if choice is not None else None
        if choice is None or not isinstance(message, dict):
            raise ModelOutputError(f"{self._name} answered without a message: {self._clean(json.dumps(answer, default=str))}")
        said = cast(dict[str, Any], message)
        calls = tuple(tool_call(call, index) for index, call in enumerate(as_objects(said.get("tool_calls"))))
        text = self._text(said.get("content"))
        probabilities = None
        if request.choices and self._dialect == "llama_cpp":
            probabilities = choice_probabilities(request.choices, choice.get("logprobs"))
        elif request.choices:
            text = unwrapped(text)
        finish = choice.get("finish_reason")
        parts: tuple[Part, ...] = (*([Text(text)] if text or not calls else []), *calls)
        model = answer.get("model")
        return ModelResponse(
            message=Message("assistant", parts),
            usage=self._usage(answer, model if isinstance(model, str) else ""),
            model=model if isinstance(model, str) else self._model or "",
            stop=STOPS.get(finish, "unknown") if isinstance(finish, str) else "unknown",
            probabilities=probabilities,
        )

    def _text(self, content: object) -> str:
        """The text of a message's content: a string, null, or a list of parts."""
        if isinstance(content, list):
            content = "".join(part["text"] for part in as_objects(cast(object, content)) if isinstance(part.get("text"), str))
        if content is not None and not isinstance(content, str):
            raise ModelOutputError(f"{self._name} answered with content that is no text: {type(content).__name__}.")
        # Half a character (a lone surrogate) could not be stored or sent again.
        return strip_thinking((content or "").encode(errors="replace").decode())

    def _usage(self, answer: Mapping[str, Any], model: str) -> Usage:
        told, timings = as_object(answer.get("usage")), as_object(answer.get("timings"))
        cached = as_count(as_object(told.get("prompt_tokens_details")).get("cached_tokens"))
        cached = as_count(timings.get("cache_n")) if cached is None else cached
        read, written = as_count(told.get("prompt_tokens")), as_count(told.get("completion_tokens"))
        if read is None and (fresh := as_count(timings.get("prompt_n"))) is not None:
            read = fresh + (cached or 0)
        if written is None:
            written = as_count(timings.get("predicted_n"))
        usage = Usage(read or 0, written or 0, cached or 0, calls=1)
        usd = self.usd_of(usage, model=model) if read is not None and written is not None else self._unpriced
        if self._price is None and self.tells_usd and (told_usd := as_amount(told.get("cost"))) is not None:
            usd = told_usd
        return replace(usage, usd=usd)

    @property
    def tells_usd(self) -> bool:
        """The server says what each call cost."""
        return self._provider in TOLD_IN_USD

    @property
    def _unpriced(self) -> float | None:
        return 0.0 if self._capabilities.local else None

    def usd_of(self, usage: Usage, *, model: str = "") -> float | None:
        """What that many tokens cost in US dollars, as far as it is known without the server; None if it isn't.

        Args:
            model: What the server calls itself, if it has answered; a name of its that has no price counts as the one asked for.
        """
        if self._price is not None:
            return self._price.usd(usage.input_tokens, usage.output_tokens, usage.cached_tokens)
        for name in (model, self._model or "") if self._provider is not None else ():
            if (usd := usd_of(self._provider or "", name, usage)) is not None:
                return usd
        return self._unpriced

    # Streams

    async def _next_line(self, lines: AsyncIterator[str]) -> str | None:
        import httpx2

        try:
            return await anext(lines, None)
        except httpx2.TimeoutException as error:
            raise ModelTimeout(f"{self._name} at {self.base_url} stopped sending in the middle of its answer.") from error
        except httpx2.RequestError as error:
            raise ModelOutputError(
                f"The stream of {self._name} broke off: {type(error).__name__}: {self._clean(str(error))}"
            ) from error

    def _take(self, line: str, collected: "Collected") -> str:
        """Add one line of a server-sent stream; the text it brings."""
        if not line.startswith("data:"):
            return ""
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            collected.done = True
            return ""
        try:
            event: object = json.loads(data, parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ModelOutputError(f"{self._name} streamed something that is no JSON: {self._clean(data)}") from error
        if not isinstance(event, dict):
            raise ModelOutputError(f"{self._name} streamed something that is no JSON object: {self._clean(data)}")
        found = cast(dict[str, Any], event)
        if found.get("error"):
            self._refuse(200, data, None)
        return collected.add(found)


def _checked_key(key: str | None, name: str) -> str | None:
    """`key` without the blanks around it.

    Raises:
        UsageError: It can't be sent in a header; the libraries below would show it in their own error.
    """
    key = (key or "").strip()
    if not all("!" <= character <= "~" for character in key):
        raise UsageError(f"The key for {name} holds blanks or characters that are not ASCII; copy it again.")
    return key or None


def _is_whole(http: "httpx2.Response") -> bool:
    """The server was asked for a stream, and sends one JSON object."""
    return http.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
