"""A typed function that an agent may call."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, cast, get_args, get_type_hints, overload, runtime_checkable

from purpose_agent.core.errors import InvalidTool, UsageError
from purpose_agent.core.messages import Json
from purpose_agent.core.model import ToolSpec
from purpose_agent.core.origin import AUTHORITY, Origin

Effect: TypeAlias = Literal["send", "pay", "delete", "write", "network", "settings"]
"""What a call does to the world outside the run: sends something to somebody, moves money, deletes, writes outside the
workspace, reaches a new host, changes settings."""

SOURCES = ("url", "path", "source")
"""Arguments that say where a tool's words come from."""


@runtime_checkable
class Tool(Protocol):
    """What the engine needs to know of a tool.

    `seconds` is the wall time one call may take. Three more attributes may be there, and are read by `origin_of`, `effects_of`
    and `idempotent_of`: `origin`, whose words it returns ("tool" if it does not say), `effects`, what a call does (nothing),
    and `idempotent`, whether a call may be made again if nobody knows whether it was carried out (no).
    """

    @property
    def spec(self) -> ToolSpec:
        """Name, description and JSON schema of the arguments."""
        ...

    @property
    def seconds(self) -> float:
        """Wall time one call may take."""
        ...

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Arguments in their declared types. Looks at nothing else: its words count as the runtime's own.

        Raises:
            ToolError: They don't fit; the message says which, and why.
        """
        ...

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """Do it, with validated arguments.

        Raises:
            ToolError: A foreseen failure that the model should see.
        """
        ...


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A Python function as a tool. Made by `@tool`; still callable as the function it was."""

    function: Callable[..., Any]
    spec: ToolSpec
    seconds: float = 60.0
    origin: Origin = "tool"
    effects: tuple[Effect, ...] = ()
    idempotent: bool = False
    process: bool = False
    _adapter: Any = field(default=None, repr=False, compare=False)

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Arguments in their declared types, unknown ones refused."""
        return validated(self._adapter, self.spec, arguments)

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """Call the function: async ones on the loop, blocking ones in a thread.

        Raises:
            UsageError: It is to be called in a process of its own; `tools/child.py` does that.
        """
        if self.process:
            raise UsageError(f"{self.spec.name} runs in a process of its own: call it through `tools.child.call_in_child`.")
        if inspect.iscoroutinefunction(self.function):
            result: Any = await cast(Awaitable[Any], self.function(**arguments))
        else:
            import anyio.to_thread

            result = await anyio.to_thread.run_sync(lambda: self.function(**arguments), abandon_on_cancel=True)
        return render_result(result)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def origin_of(tool: Tool) -> Origin:
    """Whose words the tool returns; "tool" if it doesn't say."""
    return cast(Origin, getattr(tool, "origin", "tool"))


def effects_of(tool: Tool) -> tuple[Effect, ...]:
    """What a call of it does; () if it doesn't say."""
    return tuple(cast("tuple[Effect, ...]", getattr(tool, "effects", ())))


def idempotent_of(tool: Tool) -> bool:
    """Whether a call may be made again if nobody knows whether it was carried out; False if it doesn't say."""
    return getattr(tool, "idempotent", False) is True


def source_of(name: str, arguments: Mapping[str, Json]) -> str:
    """Where the words of a call come from: the page or file that it asks for, else the tool's name."""
    said = (arguments.get(argument) for argument in SOURCES)
    return next((each for each in said if isinstance(each, str) and each), name)


def check_declared(name: str, origin: object, effects: object) -> None:
    """Pass silently if a tool may say that of itself.

    Raises:
        InvalidTool: There is no such origin, or no such effect.
    """
    if origin not in AUTHORITY:
        raise InvalidTool(f"Tool {name!r}: there is no origin {origin!r}; there are: {', '.join(AUTHORITY)}.")
    known = get_args(Effect)
    if isinstance(effects, str) or not isinstance(effects, Collection):
        raise InvalidTool(f"Tool {name!r}: effects={effects!r} is no list; write for example effects=('send',).")
    for effect in cast("Collection[object]", effects):
        if effect not in known:
            raise InvalidTool(f"Tool {name!r}: there is no effect {effect!r}; there are: {', '.join(known)}.")


def render_result(result: object) -> str:
    """A tool's return value as the model sees it: text as it is, everything else as JSON."""
    if isinstance(result, str):
        return result
    from pydantic_core import to_json

    return to_json(result, fallback=str).decode()


def validated(adapter: Any, spec: ToolSpec, arguments: Mapping[str, Json]) -> dict[str, Any]:
    """`arguments` as `adapter` (a pydantic model class) reads them.

    Raises:
        ToolError: They don't fit the schema.
    """
    from pydantic import BaseModel, ValidationError

    from purpose_agent.core.errors import ToolError

    try:
        model: BaseModel = adapter.model_validate(dict(arguments))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'arguments'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        raise ToolError(f"{spec.name} can't be called like that: {problems}.") from error
    return {name: getattr(model, name) for name in type(model).model_fields}


def arguments_model(function: Callable[..., Any], name: str) -> tuple[Any, str, dict[str, Json]]:
    """A pydantic model of the function's parameters, its description, and the JSON schema.

    Raises:
        InvalidTool: A parameter has no type, or can't be passed by name.
    """
    import docstring_parser
    from pydantic import ConfigDict, Field, create_model

    documented = docstring_parser.parse(inspect.getdoc(function) or "")
    about = {parameter.arg_name: parameter.description or "" for parameter in documented.params}
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise InvalidTool(
                f"Tool {name!r}: parameter {parameter.name!r} can't be passed by name; tools take named parameters only."
            )
        if parameter.name not in hints:
            raise InvalidTool(
                f"Tool {name!r}: parameter {parameter.name!r} has no type; write for example '{parameter.name}: str'."
            )
        default: Any = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], Field(default, description=about.get(parameter.name) or None))
    model = create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
    schema: dict[str, Json] = model.model_json_schema()
    schema.pop("title", None)
    properties = schema.get("properties")
    for schema_of_field in properties.values() if isinstance(properties, dict) else ():
        if isinstance(schema_of_field, dict):
            schema_of_field.pop("title", None)
    description = " ".join(filter(None, (documented.short_description, documented.long_description)))
    return model, description, schema


def make_tool(
    function: Callable[..., Any],
    name: str | None = None,
    seconds: float = 60.0,
    origin: Origin = "tool",
    effects: Collection[Effect] = (),
    idempotent: bool = False,
    process: bool = False,
) -> FunctionTool:
    """`function` as a tool; its docstring tells the model what it does and what its parameters mean.

    Raises:
        InvalidTool: It has no docstring, its parameters can't be described, there is no such origin or effect, or another process
            could not find it by its name.
    """
    called = name or str(getattr(function, "__name__", ""))
    if not called.isidentifier():
        raise InvalidTool(f"A tool needs a name a model can write; {called!r} is none. Pass name='...'.")
    adapter, description, schema = arguments_model(function, called)
    if not description:
        raise InvalidTool(f"Tool {called!r} has no docstring; the model needs a sentence about what it does.")
    check_declared(called, origin, effects)
    if process:
        check_importable(function, called)
    spec = ToolSpec(called, description, schema)
    return FunctionTool(function, spec, seconds, origin, tuple(effects), idempotent, process, adapter)


def check_importable(function: Callable[..., Any], name: str) -> None:
    """Pass silently if another process could import the function.

    Raises:
        InvalidTool: It is made inside another function, or in the program that was started.
    """
    module, path = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    if not module or not path or "<" in path:
        raise InvalidTool(f"Tool {name!r}: process=True needs a function at the top of a module; {path or function!r} is none.")
    if module == "__main__":
        raise InvalidTool(
            f"Tool {name!r}: process=True needs a function that another process can import, and {path!r} is in the program "
            "that was started. Put it into a module beside it, and import it from there."
        )


@overload
def tool(function: Callable[..., Any], /) -> FunctionTool: ...
@overload
def tool(
    *,
    name: str | None = None,
    seconds: float = 60.0,
    origin: Origin = "tool",
    effects: Collection[Effect] = (),
    idempotent: bool = False,
    process: bool = False,
) -> Callable[[Callable[..., Any]], FunctionTool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    seconds: float = 60.0,
    origin: Origin = "tool",
    effects: Collection[Effect] = (),
    idempotent: bool = False,
    process: bool = False,
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Offer a typed function to agents: `@tool` or `@tool(name=..., origin="web", effects=("send",))`.

    Args:
        name: What models call it; the function's own name by default.
        seconds: Wall time one call may take. A blocking function that exceeds it is given up on, not killed:
            Python can't stop a thread; see `process`.
        origin: Whose words it returns: "web" for pages, "document" for files, "peer_agent" for other agents; "user" for what
            a person answers; "operator" for a tool that returns only words you wrote, such as "sent".
        effects: What a call does to the world: any of "send", "pay", "delete", "write", "network" and "settings". Such a call
            needs a person once the run has read what others wrote; see `Agent(approve=...)`.
        idempotent: Twice is as good as once: a call that had begun when the run's process died is made again when the run is
            resumed. Else a person is asked whether it was carried out.
        process: Each call runs in a process of its own, which is killed with all it started when its time is over or the run is.
            The function must be one that another process can import; a call costs the start of an interpreter.
    """
    if function is not None:
        return make_tool(function)

    def wrap(wrapped: Callable[..., Any]) -> FunctionTool:
        return make_tool(wrapped, name, seconds, origin, effects, idempotent, process)

    return wrap
