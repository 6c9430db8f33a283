"""Tools: functions that record themselves, and what they say of their parameters."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast, overload

from pydantic import BaseModel, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUserError

from watchkeeper.producers.context import current
from watchkeeper.schemas.errors import ConfigurationError, SessionStoppedError

if TYPE_CHECKING:
    from watchkeeper.producers.losses import Losses
    from watchkeeper.producers.recording.conversation import ResultStatus, Trust
    from watchkeeper.producers.session import Session

P = ParamSpec("P")
R = TypeVar("R")

SPECIFICATION: Final = "__watchkeeper_tool__"
"""Where a decorated function carries its `{name, description, parameters}`."""

_POSITIONAL: Final = frozenset({inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD})
_VARIADIC: Final = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})


class Toolbox:
    """The tools decorated for one `Watchkeeper`."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._specifications: dict[str, dict[str, Any]] = {}

    def listed(self, given: Sequence[Any] | None) -> Sequence[Any] | None:
        """The tools of a session: those given (functions as what they were registered as), else all decorated."""
        if given is None:
            return list(self._specifications.values()) or None
        if not isinstance(given, list | tuple):
            return given
        return [getattr(tool, SPECIFICATION, tool) for tool in given]

    def decorate(
        self, function: Callable[P, R], name: str | None, description: str | None, trust: Trust
    ) -> Callable[P, R]:
        """Registers the function and wraps it so that it records its calls.

        Raises:
            ConfigurationError: it is a generator, whose end no wrapper can tell from its start.
        """
        label = name or str(getattr(function, "__name__", type(function).__name__))
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigurationError(
                f"the tool {label!r} is a generator, so its result is not known when it returns: return a list, or "
                "record it by hand with s.tool_call(...) before the first item and s.tool_result(...) after the last"
            )
        signature = inspect.signature(function)
        self._specifications[label] = specification = {
            "name": label,
            "description": description or _summary(function),
            "parameters": parameters_schema(function, signature),
        }
        wrap = _wrap_async if inspect.iscoroutinefunction(function) else _wrap_sync
        wrapped = wrap(cast("Callable[P, Any]", function), label, signature, trust, self._losses)
        setattr(wrapped, SPECIFICATION, specification)
        return cast("Callable[P, R]", wrapped)


class Tooling:
    """What decorates tools; `Watchkeeper` is one."""

    _toolbox: Toolbox

    @overload
    def tool(self, function: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def tool(
        self, *, name: str | None = None, description: str | None = None, trust: Trust = "untrusted"
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def tool(
        self,
        function: Callable[P, R] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        trust: Trust = "untrusted",
    ) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorates a tool, sync or async: its calls and results are recorded in the session they run in.

        The tool is registered for this agent, with the JSON Schema of its signature: decorate before sessions begin,
        or a call to it is one to an unknown tool. Outside any session it runs unrecorded (`no_session`).

        Args:
            function: the tool.
            name: its name, if not the function's.
            description: what it does, if not the first paragraph of its docstring.
            trust: whether what it answers may carry instructions.

        Raises:
            ConfigurationError: it is a generator.
        """
        if function is not None:
            return self._toolbox.decorate(function, name, description, trust)
        return lambda decorated: self._toolbox.decorate(decorated, name, description, trust)


def parameters_schema(function: Callable[..., Any], signature: inspect.Signature) -> dict[str, Any]:
    """The JSON Schema of a function's named parameters, by their annotations.

    A parameter whose type has no JSON Schema is listed with no constraint: better than to judge it wrongly.
    """
    hints = _hints(function)
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for index, (name, parameter) in enumerate(_own(signature)):
        alias = f"p{index}"
        names[alias] = name
        annotation = hints.get(name, Any)
        if not _has_schema(annotation):
            annotation = Any
        fields[alias] = (annotation, ... if parameter.default is parameter.empty else _default(parameter.default))
    model: type[BaseModel] = create_model("Arguments", **fields)
    return _renamed(model.model_json_schema(), names, open_ended=_takes_any(signature))


def _renamed(schema: dict[str, Any], names: dict[str, str], *, open_ended: bool) -> dict[str, Any]:
    # The model's fields have names of our own, since a parameter may be called like one of its methods.
    properties = {names[alias]: value for alias, value in schema.get("properties", {}).items()}
    for value in properties.values():
        value.pop("title", None)
    renamed: dict[str, Any] = {"type": "object", "properties": properties}
    if required := schema.get("required"):
        renamed["required"] = [names[alias] for alias in required]
    renamed["additionalProperties"] = open_ended
    if definitions := schema.get("$defs"):
        renamed["$defs"] = definitions
    return renamed


def _own(signature: inspect.Signature) -> list[tuple[str, inspect.Parameter]]:
    """The parameters that a model fills in: not `self`, and none of `*args` and `**kwargs`."""
    own = [item for item in signature.parameters.items() if item[1].kind not in _VARIADIC]
    return own[1:] if own and own[0][0] in {"self", "cls"} else own


def _takes_any(signature: inspect.Signature) -> bool:
    return any(parameter.kind in _VARIADIC for parameter in signature.parameters.values())


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return inspect.get_annotations(function, eval_str=True)
    except Exception:  # noqa: BLE001 - an annotation may name what exists for type checkers alone
        return {}


def _has_schema(annotation: Any) -> bool:
    try:
        TypeAdapter(annotation).json_schema()
    except (PydanticUserError, TypeError, NameError):
        return False
    return True


def _default(value: Any) -> Any:
    if isinstance(value, Enum):
        value = value.value
    # A default that JSON cannot show is still a default: the parameter is optional.
    return value if isinstance(value, str | int | float | bool | None) else Field(default_factory=lambda: None)


def _summary(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")


def _arguments(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, as they were given; defaults are not filled in."""
    try:
        given = dict(signature.bind(*args, **kwargs).arguments)
    except TypeError:
        # The call itself will raise; it is told as it was tried.
        return {"args": args, "kwargs": kwargs} if args else dict(kwargs)
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            given.update(given.pop(name, {}))
    first = next(iter(signature.parameters.values()), None)
    if first is not None and first.name in {"self", "cls"} and first.kind in _POSITIONAL:
        given.pop(first.name, None)
    return given


def _status(error: BaseException) -> ResultStatus:
    if isinstance(error, TimeoutError):
        return "timeout"
    cancelled = isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SessionStoppedError)
    return "cancelled" if cancelled else "error"


def _wrap_sync(
    function: Callable[P, Any], name: str, signature: inspect.Signature, trust: Trust, losses: Losses
) -> Callable[P, Any]:
    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> Any:
        session = current()
        if session is None:
            losses.add("no_session")
            return function(*args, **kwargs)
        call = session.tool_call(name, _arguments(signature, args, kwargs))
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            _failed(session, call, error, trust)
            raise
        session.tool_result(call, result, trust=trust)
        return result

    return inner


def _wrap_async(
    function: Callable[P, Any], name: str, signature: inspect.Signature, trust: Trust, losses: Losses
) -> Callable[P, Any]:
    @functools.wraps(function)
    async def inner(*args: P.args, **kwargs: P.kwargs) -> Any:
        session = current()
        if session is None:
            losses.add("no_session")
            return await function(*args, **kwargs)
        await session.acheck()
        call = session.tool_call(name, _arguments(signature, args, kwargs))
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            _failed(session, call, error, trust)
            raise
        session.tool_result(call, result, trust=trust)
        return result

    return inner


def _failed(session: Session, call: str, error: BaseException, trust: Trust) -> None:
    """Records how a tool failed, without obeying: the host must see its own exception, not one of ours."""
    session.tool_failed(call, error, status=_status(error), trust=trust)
