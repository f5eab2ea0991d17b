"""A Python client: a package on asyncio, typed throughout, with aiohttp as its only dependency."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from kuzzle.generation.client.api import BODY_TEXT, HEADS, VOLATILE_TEXT, Action, Api, ordered, status_name
from kuzzle.generation.client.models import Mappings, model_records
from kuzzle.generation.client.python_words import (
    PythonTypes,
    documentation,
    entry,
    is_plain_name,
    literal,
    snake,
)
from kuzzle.generation.client.shapes import Record, pascal
from kuzzle.generation.definitions import PARTIAL_STATUS

PACKAGE: Final = "kuzzle_client"
_FIXED: Final = Path(__file__).resolve().parent / "python"
# What the types of a method are worded with: a method of such a name would hide it.
_USED_NAMES: Final = frozenset({"str", "int", "float", "bool", "types", "builtins"})
_ENVELOPE: Final = ("self", "body", "volatile")
# Attributes of `Connection`, which a controller must not hide.
_CONNECTION: Final = frozenset({"close", "is_connected", "jwt", "on", "open", "request", "routes", "stream"})
_HEAD: Final = '"""{}\n\nWritten by `kuzzle generate client`; changes are lost at the next run.\n"""'
_FUTURE: Final = "from __future__ import annotations"


def python_client(api: Api, mappings: Mappings) -> dict[str, str]:
    """Return the files of a client: path in the folder to content; with mappings, models of their documents."""
    files = {
        f"{PACKAGE}/{path.name}": path.read_text(encoding="utf-8")
        for path in sorted(_FIXED.glob("*.py"))
        if path.name != "__init__.py"
    }
    files[f"{PACKAGE}/py.typed"] = ""
    files[f"{PACKAGE}/types.py"] = _text(_types(api))
    files[f"{PACKAGE}/errors.py"] = _text(_errors(api))
    files[f"{PACKAGE}/routes.py"] = _text(_routes(api))
    files[f"{PACKAGE}/client.py"] = _text(_client(api))
    files[f"{PACKAGE}/__init__.py"] = _text(_package())
    files[f"{PACKAGE}/controllers/__init__.py"] = '"""A module for each controller."""\n'
    if mappings:
        files[f"{PACKAGE}/models.py"] = _text(_models(model_records(mappings)))
    for name, actions in api.controllers.items():
        files[f"{PACKAGE}/controllers/{snake(name)}.py"] = _text(_controller(api, name, actions))
    files["pyproject.toml"] = _text(_project(api))
    files["README.md"] = _text(_readme(api))
    return dict(sorted(files.items()))


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def _types(api: Api) -> Iterator[str]:
    yield _HEAD.format(HEADS["types"])
    yield f"\n{_FUTURE}\n"
    yield "from collections.abc import Mapping, Sequence"
    yield "from typing import Any, Literal, NotRequired, TypeAlias, TypedDict"
    types = PythonTypes(api.shapes.records)
    for record in api.shapes.records.values():
        yield "\n"
        yield from _record(record, types)
    yield "\n"
    yield f"Notification: TypeAlias = {' | '.join(types.word(shape, is_sent=False) for shape in api.notifications)}"
    yield '"""What a subscription gives; `type` tells which."""'


def _models(records: Mapping[str, Record]) -> Iterator[str]:
    yield _HEAD.format(HEADS["models"])
    yield f"\n{_FUTURE}\n"
    yield "from typing import Any, NotRequired, TypedDict"
    types = PythonTypes(records)
    for record in records.values():
        yield "\n"
        yield from _record(record, types)


def _record(record: Record, types: PythonTypes) -> Iterator[str]:
    members = [
        (each, word if each.is_required else f"NotRequired[{word}]")
        for each in record.members
        for word in [types.word(each.shape, is_sent=record.is_sent)]
    ]
    if all(is_plain_name(each.name) for each, _ in members):
        yield f"class {record.name}(TypedDict):"
        yield from documentation(record.description, "    ") if record.description else ()
        if not members and not record.description:
            yield "    pass"
        for number, (each, word) in enumerate(members):
            yield f"{chr(10) if number or record.description else ''}    {each.name}: {word}"
            if each.description:
                yield from documentation(each.description, "    ")
        return
    yield f"{record.name} = TypedDict("
    yield f'    "{record.name}",'
    yield "    {"
    for each, _ in members:
        yield from textwrap.wrap(each.description, 100, initial_indent=" " * 8 + "# ", subsequent_indent=" " * 8 + "# ")
        word = types.word(each.shape, is_sent=record.is_sent)
        quoted = f'"{word}"' if '"' not in word else f"'{word}'"
        yield f"        {literal(each.name)}: {quoted if each.is_required else f'NotRequired[{quoted}]'},"
    yield "    },"
    yield ")"
    yield from documentation(record.description, "") if record.description else ()


def _errors(api: Api) -> Iterator[str]:
    yield _HEAD.format(HEADS["errors"])
    yield f"\n{_FUTURE}\n"
    yield "from collections.abc import Mapping\n"
    yield "from .failures import KuzzleError, PartialError"
    for status in api.statuses:
        yield f"\n\nclass {status_name(status)}(KuzzleError):"
        yield f'    """Status {status}."""'
    for each in api.errors:
        yield f"\n\nclass {each.name}({status_name(each.status)}):"
        yield from documentation(f"`{each.id}`: {each.message}", "    ")
    yield "\n\nBY_STATUS: Mapping[int, type[KuzzleError]] = {"
    yield f"    {PARTIAL_STATUS}: PartialError,"
    yield from (f"    {status}: {status_name(status)}," for status in api.statuses)
    yield "}\nBY_ID: Mapping[str, type[KuzzleError]] = {"
    yield from (f"    {literal(each.id)}: {each.name}," for each in api.errors)
    yield "}"


def _routes(api: Api) -> Iterator[str]:
    yield _HEAD.format(HEADS["routes"])
    yield f"\n{_FUTURE}\n"
    yield "from .http_transport import Routes\n"
    yield "ROUTES: Routes = {"
    for (controller, action), routes in api.routes.items():
        ways = ", ".join(f"({literal(verb)}, {literal(path)})" for verb, path in routes)
        yield f"    ({literal(controller)}, {literal(action)}): ({ways},),"
    yield "}"


def _client(api: Api) -> Iterator[str]:
    yield _HEAD.format(HEADS["client"])
    yield f"\n{_FUTURE}\n"
    yield "from . import errors"
    yield "from .connection import Connection"
    for name in api.controllers:
        yield f"from .controllers.{snake(name)} import {pascal(name)}Controller"
    yield "from .routes import ROUTES"
    yield "\n\nclass Kuzzle(Connection):"
    yield '    """A client of a server; see `Connection` for its arguments."""\n'
    yield "    routes = ROUTES"
    yield "    errors_by_id = errors.BY_ID"
    yield "    errors_by_status = errors.BY_STATUS\n"
    yield "    def _add_controllers(self) -> None:"
    for name in api.controllers:
        yield f"        self.{snake(name, _CONNECTION)} = {pascal(name)}Controller(self)"


def _controller(api: Api, name: str, actions: list[Action]) -> Iterator[str]:
    methods = {snake(action.name, _USED_NAMES): action for action in actions}
    types = PythonTypes(api.shapes.records, "types.", methods)
    body = [line for method, action in methods.items() for line in _method(api, method, action, types)]
    yield _HEAD.format(f"The controller `{name}`.")
    yield f"\n{_FUTURE}\n"
    if any("builtins." in line for line in body):
        yield "import builtins"
    yield "from collections.abc import Mapping, Sequence"
    yield "from typing import Any, Literal\n"
    yield "from .. import types"
    yield "from ..connection import Controller, Volatile"
    yield "from ..subscription import Subscription"
    yield f"\n\nclass {pascal(name)}Controller(Controller):"
    yield f'    """Actions of `{name}`."""'
    yield from body


def _method(api: Api, method: str, action: Action, types: PythonTypes) -> Iterator[str]:
    names = _argument_names(action)
    result = types.word(action.result, is_sent=False)
    if action.opens_channel:
        result = "Subscription[types.Notification]"
    yield f"\n    async def {method}("
    yield "        self,"
    yield from (f"        {line}," for line in _signature(action, names, types))
    yield f"    ) -> {result}:"
    yield from documentation(action.description, " " * 8, [*_arguments_section(action, names), *_raises(api, action)])
    yield f"        result: {result} = await self._connection.{'stream' if action.opens_channel else 'request'}("
    yield f"            {literal(action.controller)},"
    yield f"            {literal(action.name)},"
    given = ", ".join(f"{literal(each.name)}: {names[each.name]}" for each in action.arguments)
    yield f"            {{{given}}},"
    yield f"            {'None' if action.body is None else 'body'},"
    yield "            volatile,"
    yield "        )"
    yield "        return result"


def _argument_names(action: Action) -> dict[str, str]:
    names: dict[str, str] = {}
    for each in action.arguments:
        names[each.name] = snake(each.name, {*_ENVELOPE, *names.values()})
    return names


def _signature(action: Action, names: Mapping[str, str], types: PythonTypes) -> Iterator[str]:
    """Yield the parameters: what must be given by place or name, the rest by name."""
    for each in ordered(action):
        if each.is_required:
            yield f"{names[each.name]}: {types.word(each.shape, is_sent=True)}"
    body = "" if action.body is None else types.word(action.body, is_sent=True)
    if action.is_body_required:
        yield f"body: {body}"
    elif body:
        yield f"body: {body} | None = None"
    yield "*"
    for each in ordered(action):
        if not each.is_required:
            word = types.word(each.shape, is_sent=True)
            is_open = each.default is None and word != "Any" and "None" not in word
            yield f"{names[each.name]}: {word}{' | None' if is_open else ''} = {literal(each.default)}"
    yield "volatile: Volatile = None"


def _arguments_section(action: Action, names: Mapping[str, str]) -> Iterator[str]:
    yield "Args:"
    for each in ordered(action):
        yield from entry(names[each.name], each.description)
    if action.body is not None:
        yield from entry("body", action.body_description or BODY_TEXT)
    yield from entry("volatile", VOLATILE_TEXT)


def _raises(api: Api, action: Action) -> Iterator[str]:
    own = api.own_errors(action)
    if own:
        yield ""
        yield "Raises:"
        yield from entry("KuzzleError", f"As any action; of its own {', '.join(own)}.")


def _package() -> Iterator[str]:
    yield _HEAD.format(HEADS["package"])
    yield ""
    yield "from . import errors, types"
    yield "from .client import Kuzzle"
    names = (
        "ClientError",
        "ConnectionLostError",
        "KuzzleError",
        "NoRouteError",
        "PartialError",
        "RequestTimeoutError",
        "SubscriberTooSlowError",
        "TokenExpiredError",
        "TooManyWaitingError",
        "UnreadableAnswerError",
    )
    yield "from .failures import (" + "".join(f"\n    {name}," for name in names) + "\n)"
    yield "from .subscription import Subscription\n"
    yield "__all__ = ["
    yield from (f"    {literal(name)}," for name in sorted((*names, "Kuzzle", "Subscription", "errors", "types")))
    yield "]"


def _project(api: Api) -> Iterator[str]:
    yield "[build-system]"
    yield 'requires = ["setuptools>=62.3"]'
    yield 'build-backend = "setuptools.build_meta"\n'
    yield "[project]"
    yield 'name = "kuzzle-client"'
    yield f"version = {literal(api.version)}"
    yield 'description = "A typed client of a Kuzzle server"'
    yield 'requires-python = ">=3.11"'
    yield 'dependencies = ["aiohttp>=3.10"]\n'
    yield "[tool.setuptools]"
    yield f'packages = ["{PACKAGE}", "{PACKAGE}.controllers"]\n'
    yield "[tool.setuptools.package-data]"
    yield f'{PACKAGE} = ["py.typed"]'


def _readme(api: Api) -> Iterator[str]:
    yield "# A typed client of a Kuzzle server\n"
    yield f"Written by `kuzzle generate client --lang python` for version {api.version} of the server.\n"
    yield "```python"
    yield f"from {PACKAGE} import Kuzzle\n"
    yield 'async with Kuzzle("ws://localhost:7512") as client:'
    yield "    print(await client.server.now())"
    yield "```"
