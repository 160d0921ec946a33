"""HTTP for models: one client per event loop, retries that honour Retry-After, errors in our own words.

Only connections that fail and the statuses in `RETRIED` are tried again; a timeout is not, since the server may
still be working on the first try. A Retry-After beyond the longest wait is not waited for: the error carries it.
Does not know what a chat completion is, and never logs.
"""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purpose_agent.core.errors import ModelError, ModelRefused, ModelTimeout, ModelUnreachable
from purpose_agent.core.messages import Json

if TYPE_CHECKING:
    import asyncio

    import httpx2

RETRIED = frozenset({429, 500, 502, 503, 504})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


async def pause(seconds: float) -> None:
    """Wait, cancellably."""
    import anyio

    await anyio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how long between.

    Attributes:
        tries: All in all; 1 never retries.
        first_seconds: The wait before the second try; it doubles from there, with jitter of half to one.
        longest_seconds: No wait is longer.
        wait: What waits; tests pass one that only notes the seconds.
    """

    tries: int = 3
    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    wait: Callable[[float], Awaitable[None]] = pause

    def seconds_before(self, retry: int, error: ModelError) -> float | None:
        """The wait before the `retry`-th retry (from 1), or None if `error` is final."""
        if retry >= self.tries:
            return None
        asked: float | None = None
        if isinstance(error, ModelRefused):
            if error.status not in RETRIED:
                return None
            asked = error.retry_after
        elif not isinstance(error, ModelUnreachable):
            return None
        if asked is not None:
            return asked if asked <= self.longest_seconds else None
        jitter = 0.5 + random.random() / 2
        return min(self.longest_seconds, self.first_seconds * 2 ** (retry - 1) * jitter)


def host_of(url: str) -> str:
    """The host of `url`, in lower case; "" if it has none."""
    from urllib.parse import urlsplit

    return (urlsplit(url).hostname or "").lower()


def is_loopback(url: str) -> bool:
    """The address is on this machine."""
    return host_of(url) in LOOPBACK or host_of(url).startswith("127.")


def without_credentials(url: str) -> str:
    """`url` as it may be shown: no user, no password, no query."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


async def _kept(client: "httpx2.AsyncClient") -> AsyncGenerator["httpx2.AsyncClient", None]:
    try:
        yield client
    finally:
        await client.aclose()


class LoopClients:
    """One `httpx2.AsyncClient` per running event loop.

    Each is held by an async generator: the loop finishes those when it ends (`asyncio.run` does) or when nothing
    holds them any more, and so closes the connections on the loop they belong to.
    """

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self._seconds = seconds
        self._kept: dict[asyncio.AbstractEventLoop, tuple[AsyncGenerator[httpx2.AsyncClient, None], httpx2.AsyncClient]] = {}

    async def get(self) -> "httpx2.AsyncClient":
        """The running loop's client, opened if need be."""
        import asyncio

        import httpx2

        loop = asyncio.get_running_loop()
        if loop in self._kept and not self._kept[loop][1].is_closed:
            return self._kept[loop][1]
        for other in [other for other in list(self._kept) if other.is_closed()]:
            self._kept.pop(other, None)
        # A plain http address needs no certificates, and reading them takes longer than a local answer. No proxy
        # stands between this machine and itself.
        client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(self._seconds, connect=min(10.0, self._seconds)),
            verify=self._url.startswith("https"),
            trust_env=not is_loopback(self._url),
        )
        generator = _kept(client)
        await anext(generator)
        self._kept[loop] = (generator, client)
        return client

    async def aclose(self) -> None:
        """Close the running loop's client."""
        import asyncio

        kept = self._kept.pop(asyncio.get_running_loop(), None)
        if kept is not None:
            await kept[0].aclose()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its forms; None if it doesn't."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _until(value)
    return seconds if 0 <= seconds < float("inf") else None


def _until(date: str) -> float | None:
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())


@asynccontextmanager
async def sent(client: "httpx2.AsyncClient", method: str, url: str, **options: Any) -> AsyncGenerator["httpx2.Response"]:
    """A response whose body has not been read yet; its connection is closed on the way out.

    Raises:
        ModelUnreachable: Nobody answers, or the connection broke.
        ModelTimeout: The server took too long.
    """
    import httpx2

    address = without_credentials(url)
    try:
        async with client.stream(method, url, **options) as response:
            yield response
    except httpx2.TimeoutException as error:
        raise ModelTimeout(
            f"{address} did not answer in time ({type(error).__name__}). Raise the timeout, or use a smaller model."
        ) from error
    except (httpx2.RequestError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise ModelUnreachable(
            f"No answer from {address} ({type(error).__name__}: {error}). Is the server running, and is the address right? "
            "`purpose-agent doctor` shows what this machine can reach."
        ) from error


def get_json_now(url: str, *, seconds: float) -> Json:
    """What a server on this machine says, blocking, or None if nobody answers with JSON in `seconds`."""
    import httpx2

    try:
        response = httpx2.get(url, timeout=seconds, trust_env=not is_loopback(url), verify=url.startswith("https"))
        return response.json() if response.is_success else None
    except (httpx2.RequestError, httpx2.InvalidURL, ValueError):
        return None
