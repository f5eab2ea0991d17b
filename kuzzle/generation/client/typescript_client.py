"""A client in TypeScript: an ESM package without dependencies in browsers, compiled by `tsc --strict`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from kuzzle.generation.client.api import BODY_TEXT, HEADS, VOLATILE_TEXT, Action, Api, Argument, ordered, status_name
from kuzzle.generation.client.models import Mappings, model_records
from kuzzle.generation.client.shapes import Constants, ListOf, MapOf, Named, Plain, Record, Row, Shape, pascal
from kuzzle.generation.definitions import PARTIAL_STATUS

_FIXED: Final = Path(__file__).resolve().parent / "typescript"
_HEAD: Final = "// {}\n//\n// Written by `kuzzle generate client`; changes are lost at the next run."
_PLAIN: Final[Mapping[str, str]] = {
    "any": "unknown",
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
# Words that cannot name a parameter, and the names of our own.
_RESERVED_WORDS: Final = (
    "arguments await body break case catch class const continue debugger default delete do else enum eval export "
    "extends false finally for function if implements import in instanceof interface let new null options package "
    "private protected public return static super switch this throw true try typeof var void while with yield"
)
_RESERVED: Final = frozenset(_RESERVED_WORDS.split())
# Attributes of `Connection`, which a controller must not hide.
_CONNECTION: Final = frozenset({"close", "isConnected", "jwt", "on", "open", "request", "stream"})


def typescript_client(api: Api, mappings: Mappings) -> dict[str, str]:
    """Return the files of a client: path in the folder to content; with mappings, models of their documents."""
    files = {f"src/{path.name}": path.read_text(encoding="utf-8") for path in sorted(_FIXED.glob("*.ts"))}
    files["src/types.ts"] = _text(_types(api))
    files["src/errors.ts"] = _text(_errors(api))
    files["src/routes.ts"] = _text(_routes(api))
    files["src/client.ts"] = _text(_client(api))
    files["src/index.ts"] = _text(_index(has_models=bool(mappings)))
    if mappings:
        files["src/models.ts"] = _text(_models(model_records(mappings)))
    for name, actions in api.controllers.items():
        files[f"src/controllers/{_camel(name)}.ts"] = _text(_controller(api, name, actions))
    files["package.json"] = _json(_package(api))
    files["tsconfig.json"] = _json(_settings())
    files["README.md"] = _text(_readme(api))
    return dict(sorted(files.items()))


def word(shape: Shape, *, is_sent: bool) -> str:
    """Return the type of a shape; what is sent need not be writable."""
    if isinstance(shape, Plain):
        return _PLAIN[shape.name]
    if isinstance(shape, Constants):
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in shape.values)
    if isinstance(shape, Named):
        return f"types.{shape.name}"
    if isinstance(shape, ListOf):
        return f"{'ReadonlyArray' if is_sent else 'Array'}<{word(shape.item, is_sent=is_sent)}>"
    if isinstance(shape, Row):
        return f"[{', '.join(word(item, is_sent=is_sent) for item in shape.items)}]"
    if isinstance(shape, MapOf):
        value = word(shape.value, is_sent=is_sent)
        # A value of an interface is an object, but no Record: it might have other members.
        return "object" if is_sent and value == "unknown" else f"Record<string, {value}>"
    return " | ".join(dict.fromkeys(word(each, is_sent=is_sent) for each in shape.options))


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _camel(name: str) -> str:
    called = pascal(name)
    return called[0].lower() + called[1:]


def _comment(text: str, indent: str, rest: Collection[str] = ()) -> Iterator[str]:
    lines = [*textwrap.wrap(text.replace("*/", "*\\/"), 100), *rest]
    if len(lines) == 1:
        yield f"{indent}/** {lines[0]} */"
        return
    yield f"{indent}/**"
    yield from (f"{indent} * {line}".rstrip() for line in lines)
    yield f"{indent} */"


def _types(api: Api) -> Iterator[str]:
    yield _HEAD.format(HEADS["types"])
    for record in api.shapes.records.values():
        yield ""
        yield from _record(record)
    yield ""
    kinds = " | ".join(word(shape, is_sent=False).removeprefix("types.") for shape in api.notifications)
    yield "/** What a subscription gives; `type` tells which. */"
    yield f"export type Notification = {kinds};"


def _models(records: Mapping[str, Record]) -> Iterator[str]:
    yield _HEAD.format(HEADS["models"])
    for record in records.values():
        yield ""
        yield from _record(record)


def _record(record: Record) -> Iterator[str]:
    if record.description:
        yield from _comment(record.description, "")
    yield f"export interface {record.name} {{"
    for each in record.members:
        if each.description:
            yield from _comment(each.description, "  ")
        mark = "" if each.is_required else "?"
        yield f"  {_literal(each.name)}{mark}: {word(each.shape, is_sent=record.is_sent).replace('types.', '')};"
    if record.is_sent and record.is_open:
        yield "  [member: string]: unknown;"
    yield "}"


def _errors(api: Api) -> Iterator[str]:
    yield _HEAD.format(HEADS["errors"])
    yield "\nimport type { ErrorClass } from './connection.js';"
    yield "import { KuzzleError, PartialError } from './failures.js';"
    for status in api.statuses:
        yield f"\n/** Status {status}. */\nexport class {status_name(status)} extends KuzzleError {{}}"
    for error in api.errors:
        yield ""
        yield from _comment(f"`{error.id}`: {error.message}", "")
        yield f"export class {error.name} extends {status_name(error.status)} {{}}"
    yield "\nexport const BY_STATUS: Readonly<Record<number, ErrorClass>> = {"
    yield f"  {PARTIAL_STATUS}: PartialError,"
    yield from (f"  {status}: {status_name(status)}," for status in api.statuses)
    yield "};\n\nexport const BY_ID: Readonly<Record<string, ErrorClass>> = {"
    yield from (f"  {_literal(each.id)}: {each.name}," for each in api.errors)
    yield "};"


def _routes(api: Api) -> Iterator[str]:
    yield _HEAD.format(HEADS["routes"])
    yield "\nimport type { Routes } from './http_transport.js';\n"
    yield "export const ROUTES: Routes = {"
    for (controller, action), routes in api.routes.items():
        ways = ", ".join(f"[{_literal(verb)}, {_literal(path)}]" for verb, path in routes)
        yield f"  {_literal(f'{controller}:{action}')}: [{ways}],"
    yield "};"


def _client(api: Api) -> Iterator[str]:
    yield _HEAD.format(HEADS["client"])
    yield "\nimport { Connection, type Options } from './connection.js';"
    for name in api.controllers:
        yield f"import {{ {pascal(name)}Controller }} from './controllers/{_camel(name)}.js';"
    yield "import * as errors from './errors.js';"
    yield "import { ROUTES } from './routes.js';"
    yield "\n/** A client of a server; `open()` connects it. */"
    yield "export class Kuzzle extends Connection {"
    for name in api.controllers:
        attribute = _camel(name) + ("_" if _camel(name) in _CONNECTION else "")
        yield f"  readonly {attribute} = new {pascal(name)}Controller(this);"
    yield "\n  constructor(url: string, options: Options = {}) {"
    yield "    super(url, { routes: ROUTES, errorsById: errors.BY_ID, errorsByStatus: errors.BY_STATUS }, options);"
    yield "  }\n}"


def _controller(api: Api, name: str, actions: list[Action]) -> Iterator[str]:
    body = [line for action in actions for line in _method(api, action)]
    yield _HEAD.format(f"The controller `{name}`.")
    yield "\nimport { Controller } from '../connection.js';"
    if any("Subscription<" in line for line in body):
        yield "import type { Subscription } from '../subscription.js';"
    if any("types." in line for line in body):
        yield "import type * as types from '../types.js';"
    yield f"\n/** Actions of `{name}`. */"
    yield f"export class {pascal(name)}Controller extends Controller {{"
    yield from body
    yield "}"


def _method(api: Api, action: Action) -> Iterator[str]:
    names = _argument_names(action)
    result = word(action.result, is_sent=False)
    begin, end = "return (await this.connection.request(", f")) as {result};"
    if action.opens_channel:
        result = "Subscription<types.Notification>"
        begin, end = "return this.connection.stream<types.Notification>(", ");"
    yield ""
    yield from _comment(action.description, "  ", [*_documented(action, names), *_throws(api, action)])
    yield f"  async {action.name}("
    yield from (f"    {line}," for line in _signature(action, names))
    yield f"  ): Promise<{result}> {{"
    given = ", ".join(
        f"{_literal(each.name)}: {'' if each.is_required else 'options.'}{names[each.name]}"
        for each in action.arguments
    )
    yield f"    {begin}"
    yield f"      {_literal(action.controller)},"
    yield f"      {_literal(action.name)},"
    yield f"      {'{ ' + given + ' }' if given else '{}'},"
    yield f"      {'undefined' if action.body is None else 'body'},"
    yield "      options.volatile,"
    yield f"    {end}"
    yield "  }"


def _argument_names(action: Action) -> dict[str, str]:
    names: dict[str, str] = {}
    for each in action.arguments:
        name = _camel(each.name)
        while (each.is_required and name in _RESERVED) or name == "volatile" or name in names.values():
            name += "_"
        names[each.name] = name
    return names


def _signature(action: Action, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the parameters: what must be given, the body, and the rest by name."""
    for each in ordered(action):
        if each.is_required:
            yield f"{names[each.name]}: {word(each.shape, is_sent=True)}"
    if action.body is not None:
        body = word(action.body, is_sent=True)
        yield f"body: {body}" if action.is_body_required else f"body?: {body}"
    rest = [f"{names[each.name]}?: {_optional(each)}" for each in ordered(action) if not each.is_required]
    yield f"options: {{ {'; '.join([*rest, 'volatile?: object | undefined'])} }} = {{}}"


def _optional(argument: Argument) -> str:
    return f"{word(argument.shape, is_sent=True)} | undefined"


def _documented(action: Action, names: Mapping[str, str]) -> Iterator[str]:
    lines = [
        (f"{'' if each.is_required else 'options.'}{names[each.name]}", f"{each.description}{_default(each)}")
        for each in ordered(action)
    ]
    if action.body is not None:
        lines.append(("body", action.body_description or BODY_TEXT))
    lines.append(("options.volatile", VOLATILE_TEXT))
    yield ""
    for name, text in lines:
        yield from textwrap.wrap(
            f"@param {name} {text.replace('*/', '*' + chr(92) + '/')}", 100, subsequent_indent="  "
        )


def _default(argument: Argument) -> str:
    return "" if argument.default is None else f" Default: `{_literal(argument.default)}`."


def _throws(api: Api, action: Action) -> Iterator[str]:
    own = api.own_errors(action)
    if own:
        text = f"@throws As any action; of its own {', '.join(own)}."
        yield from textwrap.wrap(text, 100, subsequent_indent="  ")


def _index(*, has_models: bool) -> Iterator[str]:
    yield _HEAD.format(HEADS["package"])
    yield "\nexport { Kuzzle } from './client.js';"
    yield "export type { Event, Options } from './connection.js';"
    yield "export * as errors from './errors.js';"
    yield "export * from './failures.js';"
    if has_models:
        yield "export type * as models from './models.js';"
    yield "export { Subscription } from './subscription.js';"
    yield "export type * as types from './types.js';"


def _package(api: Api) -> dict[str, object]:
    return {
        "name": "kuzzle-client",
        "version": api.version,
        "description": "A typed client of a Kuzzle server",
        "type": "module",
        "exports": {".": {"types": "./dist/index.d.ts", "default": "./dist/index.js"}},
        "files": ["dist", "src"],
        "scripts": {"build": "tsc", "prepare": "tsc"},
        "devDependencies": {"typescript": "^5.5.0"},
        "peerDependencies": {"ws": ">=8"},
        "peerDependenciesMeta": {"ws": {"optional": True}},
    }


def _settings() -> dict[str, object]:
    return {
        "compilerOptions": {
            "target": "ES2022",
            "module": "NodeNext",
            "lib": ["ES2022", "DOM", "DOM.Iterable"],
            "types": [],
            "strict": True,
            "noUncheckedIndexedAccess": True,
            "exactOptionalPropertyTypes": True,
            "declaration": True,
            "rootDir": "src",
            "outDir": "dist",
        },
        "include": ["src"],
    }


def _readme(api: Api) -> Iterator[str]:
    yield "# A typed client of a Kuzzle server\n"
    yield f"Written by `kuzzle generate client --lang typescript` for version {api.version} of the server."
    yield "`npm install && npm run build` compiles it; Node before 22 also needs the package `ws` for WebSockets.\n"
    yield "```typescript"
    yield "import { Kuzzle } from 'kuzzle-client';\n"
    yield "const client = new Kuzzle('ws://localhost:7512');"
    yield "await client.open();"
    yield "console.log(await client.server.now());"
    yield "client.close();"
    yield "```"
