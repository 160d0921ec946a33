"""Two hundred things a model may say instead of an action. None of them is one.

For agents with the single tool `add(a: int, b: int)`: no text here reads as a finished answer, and no call here is one
that `add` would take. Some are what small models really write, some are what only a test would think of.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from purpose_agent.core.messages import Message, Part, Text, ToolCall
from purpose_agent.core.model import ModelResponse
from purpose_agent.core.tool import FunctionTool, tool
from purpose_agent.models.decode import read_arguments

LONG = 100_000
DEEP = 10_000
CALL = '{"thought": "I add them", "tool": "add", "arguments": {"a": 1, "b": 2}}'


@tool
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


ADD: FunctionTool = add


@dataclass(frozen=True, slots=True)
class RawCall:
    """A native tool call as a server sends it: `arguments` is JSON text as a rule, but need not be."""

    name: str
    arguments: object


@dataclass(frozen=True, slots=True)
class Malformed:
    """One output; with `tool_calls` it is of the native form, and `text` is what was said beside them."""

    name: str
    text: str
    tool_calls: tuple[RawCall, ...] = ()

    def response(self) -> ModelResponse:
        """The output as the client hands it on."""
        calls = tuple(
            ToolCall(f"call_{number}", call.name, *read_arguments(call.arguments))
            for number, call in enumerate(self.tool_calls)
        )
        parts: tuple[Part, ...] = (Text(self.text), *calls)
        return ModelResponse(Message("assistant", parts), stop="tool_calls" if calls else "stop")


def corpus() -> list[Malformed]:
    """All of them, always the same and in the same order."""
    groups = {
        "nothing": NOTHING,
        "no object": NO_OBJECT,
        "not finite": NOT_FINITE,
        "cut": tuple(CALL[:end] for end in CUTS),
        "cut answer": CUT_ANSWERS,
        "other tool": tuple(_call(name) for name in OTHER_TOOLS),
        "other keys": OTHER_KEYS,
        "arguments": tuple('{"tool": "add", "arguments": ' + arguments + "}" for arguments in ARGUMENTS),
        "debris": DEBRIS,
        "other language": LANGUAGES,
        "control": CONTROL,
        "punctuation": PUNCTUATION,
        "size": _sizes(),
    }
    texts = [
        Malformed(f"{group} {number}", text) for group, each in groups.items() for number, text in enumerate(each, start=1)
    ]
    return [*texts, *_native()]


def _call(name: str) -> str:
    return '{"tool": ' + name + ', "arguments": {"a": 1, "b": 2}}'


NOTHING = ("", " ", "\n\n\t\n", "\u200b", "\ufeff", "\u00a0\u2003", "...")

NO_OBJECT = (
    "null",
    "true",
    "0",
    '"add"',
    "{}",
    "[]",
    "[[[]]]",
    "[1, 2]",
    '["add", 1, 2]',
    f"[{CALL}]",
    f"[{CALL}, {CALL}]",
    "[null]",
    "{1, 2}",
    "({'tool': 'add'},)",
    "The sum is 3.",
)

NOT_FINITE = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    '{"tool": "add", "arguments": {"a": NaN, "b": 2}}',
    '{"tool": "add", "arguments": {"a": 1, "b": Infinity}}',
    '{"tool": "add", "arguments": {"a": -Infinity, "b": 2}}',
    '{"tool": "add", "arguments": {"a": 1e999, "b": 2}}',
    '{"tool": "add", "arguments": {"a": "NaN", "b": 2}}',
    '{"tool": "add", "arguments": NaN}',
    '{"answer": NaN}',
    '{"answer": -Infinity}',
)

CUTS = (1, 2, 9, 12, 24, 31, 40, 52, 58, 60, len(CALL) - 2, len(CALL) - 1)

CUT_ANSWERS = (
    '{"answer": "thr',
    '{"answer": "three"',
    '{"answer": ["three"',
    '{"answer": "def f():\\n    return',
    '{"give_up": "I ca',
)

OTHER_TOOLS = (
    '"subtract"',
    '"Add"',
    '"add()"',
    '"functions.add"',
    '"add\\u0000"',
    '"add\\u200b"',
    '"ａｄｄ"',
    '"аdd"',
    '"os.system"',
    '""',
    "null",
    "true",
    '["add"]',
    '{"name": "add"}',
)

OTHER_KEYS = (
    '{"name": "add", "arguments": {"a": 1, "b": 2}}',
    '{"function": {"name": "add", "arguments": "{\\"a\\": 1, \\"b\\": 2}"}}',
    '{"action": "add", "action_input": {"a": 1, "b": 2}}',
    '{"type": "tool_use", "name": "add", "input": {"a": 1, "b": 2}}',
    '{"tool_calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}',
    '{"Tool": "add", "Arguments": {"a": 1, "b": 2}}',
    '{"add": {"a": 1, "b": 2}}',
    '{"a": 1, "b": 2}',
    '{"arguments": {"a": 1, "b": 2}}',
    '{"thought": "I should add them."}',
    '{"tool": "add", "arguments": {"a": 1, "b": 2}, "answer": "3"}',
    '{"tool": "add", "arguments": {"a": 1, "b": 2}, "give_up": "no"}',
    '{"answer": "3", "give_up": "no"}',
    '{"answer": null}',
    '{"give_up": null, "tool": null, "answer": null}',
    '{"final_answer": "3"}',
    '{"error": {"message": "overloaded", "code": 529}}',
    '{"tool": "add", "tool": "subtract", "arguments": {"a": 1, "b": 2}}',
)

ARGUMENTS = (
    "{}",
    "null",
    "[]",
    "[1, 2]",
    "true",
    '""',
    '"1, 2"',
    '"a=1, b=2"',
    '"[1, 2]"',
    '"{\\"a\\": 1, \\"b\\": "',
    '{"a": 1}',
    '{"a": 1, "b": null}',
    '{"a": "one", "b": "two"}',
    '{"a": 1.5, "b": 2}',
    '{"a": "0x10", "b": 2}',
    '{"a": "", "b": 2}',
    '{"a": [1], "b": 2}',
    '{"a": {"value": 1}, "b": 2}',
    '{"a": 1, "b": 2, "c": 3}',
    '{"A": 1, "B": 2}',
    '{"arguments": {"a": 1, "b": 2}}',
    '{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}',
    '{"a": 1, "a": "one", "b": 2}',
)

DEBRIS = (
    "<|im_start|>assistant",
    "<|im_start|>assistant\n" + CALL[:40] + "<|im_end|>",
    "[INST] add 1 and 2 [/INST]",
    "<s></s>",
    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>",
    "<think>",
    f"<think>I will write {CALL}",
    "</think>",
    f"{CALL}</think>",
    "```json",
    "```json\n```",
    "```json\n" + CALL[:-1],
    "```\n" + CALL[:30],
    "assistant:",
    "User: add 1 and 2\nAssistant:",
    "### Response:\n",
    '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>',
    "<function=add><parameter=a>1</parameter></function>",
    '[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1, "b": 2}}]',
    "<|python_tag|>add.call(a=1, b=2)",
    "<|channel|>commentary to=functions.add<|message|>{}<|call|>",
    'Thought: add them\nAction: add\nAction Input: {"a": 1, "b": 2}',
    "add(a=1, b=2)",
    "tool: add\narguments:\n  a: 1\n  b: 2",
    'tool = "add"\n[arguments]\na = 1\nb = 2\n',
    "<html><head><title>502 Bad Gateway</title></head></html>",
)

LANGUAGES = (
    "Ich kann diese Aufgabe leider nicht lösen.",
    '{"werkzeug": "add", "argumente": {"a": 1, "b": 2}}',
    "抱歉，我无法完成这个任务。",
    '{"工具": "add", "参数": {"a": 1, "b": 2}}',
    "لا أستطيع إكمال هذه المهمة.",
    '{"tool": "जोड़", "arguments": {"a": 1, "b": 2}}',
    '{"tool": "add", "arguments": {"a": "eins", "b": "zwei"}}',
    "\u202e}}2 :b ,1 :a{ :stnemugra",
    "🧮➕1️⃣2️⃣",
)

CONTROL = (
    "\x00",
    "\x00" * 1000,
    "\x1b[31madd\x1b[0m",
    "\x07\x08\x7f",
    "\ud800",
    "\udfff\ud800",
    '{"answer": "\ud800"}',
    '{"answer": "\\ud800"}',
    '{"\\udc00": 1, "tool": "add"}',
    '{"tool": "add", "arguments": {"a": "\\ud83d", "b": 2}}',
    "\x02" + CALL[:-3] + "\x03",
)

PUNCTUATION = (
    "}",
    "{}}",
    '{"tool"}',
    '{"tool": }',
    '{"tool": "add" "arguments": {"a": 1, "b": 2}',
    '{"tool": "add", "arguments": {"a": 1, "b": }}',
    '{"tool": "add", "arguments": {"a": , "b": 2}}',
    '{"tool": "add", "arguments": {...}}',
    '{"tool": "add", "arguments": {"a": one, "b": two}}',
    "{tool: subtract, arguments: {a: 1, b: 2}}",
    "{'tool': 'add', 'arguments': {'a': 1, 'b': None}}",
    '{"tool": "add"}\n{"arguments": {"a": 1, "b": 2}}',
    '{"tool": "<name>", "arguments": {"<parameter>": "<value>"}}',
    '{"tool": "add", "arguments": {"a": 1, "b": 2]}',
    '{"tool" = "add"; "arguments" = (1, 2)}',
)


def _sizes() -> Iterator[str]:
    yield "a" * LONG
    yield " " * LONG
    yield "{" * LONG
    yield "[" * LONG
    yield '"' * LONG
    yield '{"tool":' * (LONG // 8)
    yield "<think>" * (LONG // 7)
    yield "ha " * (LONG // 3) + "{"
    yield '{"answer": "' + "a" * LONG
    yield "[" * DEEP + "]" * DEEP
    yield '{"tool": ' * DEEP + "1" + "}" * DEEP
    yield '{"tool": "add", "arguments": {"a": ' + "[" * DEEP + "]" * DEEP + ', "b": 2}}'
    yield '{"tool": "add", "arguments": {"a": ' + "9" * LONG + ', "b": 2}}'
    yield '{"tool": "add", "arguments": {"a": 1, "b": "' + "9" * LONG + '"}}'
    yield '{"tool": "add", "arguments": {' + ", ".join(f'"k{number}": {number}' for number in range(5000)) + "}}"


def _native() -> Iterator[Malformed]:
    fine = '{"a": 1, "b": 2}'
    for name, arguments in (
        ("none", None),
        ("empty text", ""),
        ("blank", "  "),
        ("prose", "a is 1 and b is 2"),
        ("cut", fine[:10]),
        ("cut by one", fine[:-1]),
        ("list", "[1, 2]"),
        ("word null", "null"),
        ("number", 5),
        ("text in text", '"{\\"a\\": 1, \\"b\\": 2}"'),
        ("NaN", '{"a": NaN, "b": 2}'),
        ("NaN as a number", {"a": float("nan"), "b": 2}),
        ("half a character", '{"a": "\\ud83d", "b": 2}'),
        ("depth", "[" * DEEP),
        ("fence", "```json\n" + fine),
    ):
        yield Malformed(f"native {name}", "", (RawCall("add", arguments),))
    yield Malformed("native other tool", "", (RawCall("subtract", fine),))
    yield Malformed("native two at once", "", (RawCall("add", '{"a": 1}'), RawCall("add", '{"b": 2}')))
    yield Malformed("native no name", "I call it", (RawCall("", fine),))
