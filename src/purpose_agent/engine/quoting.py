"""Others' words, so that they can't pass for ours.

In:  text of a tool, a page, a file, another agent, or a lesson made from such.
Out: the same text, to be read as data.

A quoted line begins with "> ", and no content can begin a line of its own: what closes a quotation is a line without that
mark, and only we write those. The marks by which models know who speaks (<|im_start|>, [INST], …) are broken by a space;
a line that opens like a message or a heading of a prompt ("System:", "### Instruction") is quoted wherever it stands.

Does not stop: a model that obeys what it reads though it is quoted. That is what the gates are for: `capability.py`
for what is done, `memory/gate.py` for what is kept.
"""

import re
from typing import Final

_MARKS = re.compile(
    r"<\||\|>|<(?=/?(?:s|bos|eos|unk|pad|start_of_turn|end_of_turn|begin_of_text|system|tool_call|tool_response|think)>)"
    r"|<(?=<SYS>|<?/?SYS>)|\[(?=/?(?:INST|SYSTEM|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\b)",
    re.IGNORECASE,
)
"""Where a mark of a chat template begins or ends."""

_OPENING = re.compile(
    r"^(?=[\t ]*(?:[#*_>=\-]+[\t ]*)*"
    r"(?:(?:system|assistant|user|human|developer|instructions?|task)(?: (?:message|prompt|note|override|update))?[*_\t ]*:"
    r"|(?:rules from your user|notes from earlier runs|quoted from elsewhere)\b|reply with \{)"
    r"|[\t ]*#{1,6}[\t ]*(?:system|instructions?|assistant|user|human|response)\b)",
    re.IGNORECASE | re.MULTILINE,
)
"""Where a line begins that looks like a message, or like a heading of our own prompts."""

_BREAKS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What some readers take for the end of a line, beside the line feed."""

MOST_SOURCE: Final = 120


def unmarked(text: str) -> str:
    """`text` without working marks of a chat template; all else is as it was."""
    return _MARKS.sub(lambda found: f"{found[0][:1]} {found[0][1:]}", text)


def defused(text: str) -> str:
    """`text` as it stands among our own words: marks broken, and lines that look like ours quoted."""
    return _OPENING.sub("> ", unmarked(_BREAKS.sub("\n", text)))


def quoted(text: str) -> str:
    """`text` as a quotation: each of its lines, even an empty one, begins with "> "."""
    return "\n".join(f"> {line}" for line in unmarked(_BREAKS.sub("\n", text)).split("\n"))


def named(origin: str, source: str) -> str:
    """Where a quotation comes from, on one line: "web, https://example.org/a"."""
    told = " ".join(unmarked(source).split())[:MOST_SOURCE].replace("[", "(").replace("]", ")")
    return f"{origin}, {told}" if told else origin
