"""A completion that comes piece by piece.

In:  the events of a server-sent stream.
Out: the text of each, and in the end the completion as if it had come in one piece.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from purpose_agent.models.wire import as_object, as_objects


@dataclass(slots=True)
class Collected:
    """A streamed completion, as far as it came."""

    text: list[str] = field(default_factory=list[str])
    calls: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    logprobs: list[Any] = field(default_factory=list[Any])
    whole: dict[str, Any] = field(default_factory=dict[str, Any])
    finish: str | None = None
    done: bool = False

    def add(self, event: Mapping[str, Any]) -> str:
        """Add one event; the text it brings."""
        self.whole |= {key: event[key] for key in ("model", "usage", "timings") if event.get(key)}
        choice = next(iter(as_objects(event.get("choices"))), None)
        if choice is None:
            return ""
        if isinstance(choice.get("finish_reason"), str):
            self.finish = choice["finish_reason"]
        self.logprobs += as_objects(as_object(choice.get("logprobs")).get("content"))
        delta = as_object(choice.get("delta"))
        for call in as_objects(delta.get("tool_calls")):
            self._add_call(call)
        text = delta.get("content")
        if not isinstance(text, str):
            return ""
        self.text.append(text)
        return text

    def _add_call(self, call: Mapping[str, Any]) -> None:
        index = call.get("index")
        # Some servers send whole calls without an index.
        known = self.calls.setdefault(
            index if isinstance(index, int) else len(self.calls), {"id": "", "name": "", "arguments": ""}
        )
        function = as_object(call.get("function"))
        if isinstance(call.get("id"), str) and call["id"]:
            known["id"] = call["id"]
        if isinstance(function.get("name"), str):
            known["name"] += function["name"]
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            known["arguments"] = json.dumps(arguments)
        elif isinstance(arguments, str):
            known["arguments"] += arguments

    def as_completion(self) -> dict[str, Any]:
        """The completion as a server would have sent it in one piece."""
        message = {
            "content": "".join(self.text),
            "tool_calls": [{"id": call["id"], "function": call} for _, call in sorted(self.calls.items())],
        }
        choice = {"message": message, "finish_reason": self.finish, "logprobs": {"content": self.logprobs}}
        return {**self.whole, "choices": [choice]}
