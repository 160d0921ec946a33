"""How fast a provider may be asked: one limiter for all who ask it in this process.

In:  callers, each with the tokens it expects to use; what they used in the end; what a server asks everybody to wait.
Out: the moment at which each may go, in the order in which they came.

A bucket of time for each of requests and tokens: a caller takes its part of the time at once, and goes when what was taken before
it has passed, but for `SLACK` seconds. So there is no queue to wake up: callers of several threads and event loops can share one.
Tokens are estimated before the answer and set right after it; whoever waits behind moves with the correction.

In no 60 seconds do more requests go than the limit says; of tokens it may be one call more, since a call is never cut in two.
Does not know of other processes: each has limiters of its own, so divide the provider's limit among them.
"""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from threading import Lock

from purpose_agent.core.errors import UsageError
from purpose_agent.core.given import check_number
from purpose_agent.core.noticing import tell_of_wait

SLACK = 6.0
"""So many seconds' worth may go at once after a pause; the rest of a minute makes up for it."""
WINDOW = 60.0


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much may be asked of a provider in a minute.

    Attributes:
        requests_per_minute: Above 0, or None for no limit.
        tokens_per_minute: Input and output tokens together, above 0; None for no limit.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None

    def __post_init__(self) -> None:
        for name, value in (
            ("requests_per_minute", self.requests_per_minute),
            ("tokens_per_minute", self.tokens_per_minute),
        ):
            check_number(f"RateLimit({name}={value!r})", value, none="no limit")
            if value == math.inf:
                raise UsageError(f"RateLimit({name}={value}): give a number above 0, or None for no limit.")


class Turn:
    """One call's place. Made by `RateLimiter.turn`; waits once for each attempt."""

    def __init__(self, limiter: "RateLimiter", tokens: int) -> None:
        self._limiter = limiter
        self.tokens = tokens
        self.request_at = self.token_at = -math.inf

    async def wait(
        self, wait: Callable[[float], Awaitable[object]], *, attempt: int = 1, waited_until: float = -math.inf
    ) -> None:
        """Return when it is this call's turn. Whoever is cancelled meanwhile gives its place back.

        Args:
            wait: Lets that many seconds pass.
            attempt: Which one comes next, from 1: for whoever listens.
            waited_until: The caller has waited until this moment of the limiter's clock already.
        """
        limiter = self._limiter
        limiter.enter(self)
        try:
            while (due := limiter.due(self)) > max(waited_until, now := limiter.clock()):
                tell_of_wait(attempt, due - now)
                await wait(due - now)
                waited_until = due
        except BaseException:
            limiter.leave(self)
            raise
        limiter.go(self)

    def settle(self, tokens: int) -> None:
        """Say how many tokens the attempt used in the end; 0 if the server refused it."""
        self._limiter.correct(tokens - self.tokens)
        self.tokens = tokens


class RateLimiter:
    """Lets callers go in their order, as fast as `limit` allows.

    Args:
        limit: May be set again at any time; it holds from the next caller on.
        clock: Seconds that only go forward; the same in all threads.
    """

    def __init__(self, limit: RateLimit | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit or RateLimit()
        self.clock = clock
        self._requests_until = self._tokens_until = self._paused_until = -math.inf
        self._waiting: list[Turn] = []
        self._lock = Lock()

    def turn(self, tokens: int) -> Turn:
        """A call that will use about that many tokens."""
        return Turn(self, tokens)

    def pause(self, seconds: float) -> float:
        """Nobody goes for so long, as the server asks; the moment until which."""
        with self._lock:
            self._paused_until = max(self._paused_until, self.clock() + seconds)
            return self._paused_until

    def enter(self, turn: Turn) -> None:
        """Take a place behind all others."""
        with self._lock:
            now = self.clock()
            turn.request_at, turn.token_at = self._requests_until - SLACK, self._tokens_until - SLACK
            self._requests_until = max(now, self._requests_until) + self._seconds(1, self.limit.requests_per_minute)
            self._tokens_until = max(now, self._tokens_until) + self._seconds(turn.tokens, self.limit.tokens_per_minute)
            self._waiting.append(turn)

    def due(self, turn: Turn) -> float:
        """When it may go, as things stand."""
        with self._lock:
            return max(turn.request_at, turn.token_at, self._paused_until)

    def go(self, turn: Turn) -> None:
        """It goes."""
        with self._lock:
            self._waiting.remove(turn)

    def leave(self, turn: Turn) -> None:
        """It goes nowhere: whoever is behind it moves up."""
        with self._lock:
            place = self._waiting.index(turn)
            behind = self._waiting[place + 1 :]
            del self._waiting[place]
            request = self._seconds(1, self.limit.requests_per_minute)
            self._requests_until -= request
            for other in behind:
                other.request_at -= request
            self._move_tokens(-self._seconds(turn.tokens, self.limit.tokens_per_minute), behind)

    def correct(self, tokens: int) -> None:
        """So many more tokens were used than expected; fewer, if negative."""
        with self._lock:
            self._move_tokens(self._seconds(tokens, self.limit.tokens_per_minute), self._waiting)

    def _move_tokens(self, seconds: float, behind: list[Turn]) -> None:
        self._tokens_until += seconds
        for other in behind:
            other.token_at += seconds

    @staticmethod
    def _seconds(amount: float, per_minute: float | None) -> float:
        return 0.0 if per_minute is None else amount * (WINDOW + SLACK) / per_minute


_limiters: dict[object, RateLimiter] = {}
_lock = Lock()


def limiter_of(server: object) -> RateLimiter:
    """The one limiter of a server in this process, made when first asked for; it limits nothing until it is given a limit."""
    with _lock:
        return _limiters.setdefault(server, RateLimiter())
