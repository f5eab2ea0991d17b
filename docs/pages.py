"""Pages of the documentation that are written from the schemas: a hook of MkDocs.

One page a controller with all its actions, one of all errors, one of all options, made with the site and kept nowhere.
Requests and answers come from `schemas/examples`, where the tests put what they have sent and got.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kuzzle.catalogue import ActionDefinition, Catalogue
from kuzzle.config.options import Node, expectation, leaves, load_options
from kuzzle.errors import error_table
from kuzzle.schemas import load_example, load_schema

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

FOLDER: Final = Path(__file__).parent
GENERATION: Final = 1


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages into the navigation, behind those that people wrote."""
    config.nav = navigation()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the site."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def navigation() -> list[Any]:
    """Return the navigation of the site."""
    catalogue = Catalogue.load(GENERATION)
    controllers = sorted({definition.controller for definition in catalogue})
    return [
        {"Getting started": "index.md"},
        {"Protocols": "protocols.md"},
        {"API": [{"Overview": "api/overview.md"}, *({name: f"api/{file_name(name)}"} for name in controllers)]},
        {"Errors": "errors.md"},
        {"Events": "events.md"},
        {"Search language": "search.md"},
        {"Filters": "filters.md"},
        *({title: path} for title, path in WRITTEN if (FOLDER / path).exists()),
        {"Configuration": "configuration.md"},
        {"Moving from Kuzzle": "moving.md"},
        {"Differences from Kuzzle": "differences.md"},
    ]


WRITTEN: Final = (
    ("Realtime", "realtime.md"),
    ("Plugins", "plugins.md"),
    ("Generated clients", "clients.md"),
    ("Memory storage", "memory-storage.md"),
    ("Write a protocol", "protocols-custom.md"),
    ("Security", "security.md"),
    ("Operations", "operations.md"),
)


def pages() -> dict[str, str]:
    """Return every page that is made, by its path in the site."""
    catalogue = Catalogue.load(GENERATION)
    by_controller: dict[str, list[ActionDefinition]] = {}
    for definition in catalogue:
        by_controller.setdefault(definition.controller, []).append(definition)
    made = {f"api/{file_name(name)}": controller_page(name, actions) for name, actions in by_controller.items()}
    made["api/overview.md"] = overview(by_controller)
    made["errors.md"] = errors_page(catalogue)
    made["events.md"] = events_page(load_schema("events.json"))
    made["configuration.md"] = configuration_page(load_options())
    return made


def file_name(controller: str) -> str:
    """Return the name of a controller's page."""
    return f"{controller.replace('/', '-')}.md"


# --- the API


def overview(by_controller: Mapping[str, list[ActionDefinition]]) -> str:
    """Return the page that leads to all actions."""
    lines = [
        "# API\n",
        "Every action of API 1. A request names `controller` and `action`; over HTTP a route stands for both. Each "
        "answer is an envelope with `status`, `error`, `result` and the `requestId` of the request.\n",
        "The same as documents for tools: `/openapi.json`, `/asyncapi.json` and `/schema.json` of a running server.\n",
    ]
    for controller, actions in sorted(by_controller.items()):
        links = ", ".join(f"[{each.name}]({file_name(controller)}#{each.name.lower()})" for each in actions)
        lines.append(f"**{controller}**: {links}\n")
    return "\n".join(lines)


def controller_page(controller: str, actions: list[ActionDefinition]) -> str:
    """Return the page of a controller."""
    return "\n".join([f"# {controller}\n", *(line for action in actions for line in _action(action))])


def _action(definition: ActionDefinition) -> Iterator[str]:
    specification = definition.specification
    yield f"## {definition.name}\n"
    yield f"{definition.description}\n"
    if "since" in specification:
        yield f"Since {specification['since']}.\n"
    if definition.routes:
        yield "```http"
        for route in definition.routes:
            yield f"{route.verb} {route.path}"
        yield "```\n"
    else:
        yield "Not over HTTP.\n"
    if definition.arguments:
        yield "| argument | type | required | default | |\n|---|---|---|---|---|"
        for name, schema in definition.arguments.items():
            required = "yes" if schema.get("required") else ""
            default = f"`{json.dumps(schema['default'])}`" if "default" in schema else ""
            yield f"| `{name}` | {_kind(schema)} | {required} | {default} | {_cell(schema.get('description', ''))} |"
        yield ""
    if "body" in specification:
        yield f"Body{'' if definition.is_body_required else ' (may be left out)'}: {_kind(specification['body'])}."
        yield from _members(specification["body"])
        yield ""
    if "notifies" in specification:
        yield f"Subscribers hear: {specification['notifies']}.\n"
    yield from _examples(definition)
    if specification["errors"]:
        links = ", ".join(f"[`{error}`](../errors.md#{_anchor(error)})" for error in specification["errors"])
        yield f"Errors: {links}.\n"


def _members(schema: Mapping[str, Any]) -> Iterator[str]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return
    required = schema.get("required", ())
    yield "\n| member | type | required | |\n|---|---|---|---|"
    for name, member in properties.items():
        is_required = "yes" if name in required else ""
        yield f"| `{name}` | {_kind(member)} | {is_required} | {_cell(member.get('description', ''))} |"


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    kind = schema.get("type", "anything")
    return kind if isinstance(kind, str) else " or ".join(kind)


def _examples(definition: ActionDefinition) -> Iterator[str]:
    example = load_example(definition.controller, definition.name)
    if example is None:
        return
    http = example["http"]
    if http is not None:
        yield from _tab("HTTP", "http", http["request"])
        if "body" in http:
            yield from _tab("", "json", _dumped(http["body"]))
    yield from _tab("WebSocket", "json", _dumped(example["request"]))
    yield from _tab("Answer", "json", _dumped(example["response"]))


def _tab(title: str, language: str, text: str) -> Iterator[str]:
    if title:
        yield f'=== "{title}"\n'
    yield f"    ```{language}"
    for line in text.splitlines():
        yield f"    {line}"
    yield "    ```\n"


def _dumped(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


# --- errors


def errors_page(catalogue: Catalogue) -> str:
    """Return the page of all errors, each with the actions that send it."""
    senders: dict[str, list[ActionDefinition]] = {}
    for definition in catalogue:
        for error in definition.specification["errors"]:
            senders.setdefault(error, []).append(definition)
    lines = [
        "# Errors\n",
        "A failed request has an `error` with `status`, `message` and, where it has one, `id` and `code`. `%s` stands "
        "for what the message names. Errors without actions come from the gates that every request passes, from "
        "protocols, or from the start.\n",
    ]
    for error, entry in error_table().items():
        form = entry.get(str(GENERATION))
        if form is None:
            continue
        lines.append(f"## {error} {{#{_anchor(error)}}}\n")
        lines.append(f"Status {form['status']}, code {entry['code']}: `{form['message']}`\n")
        if error in senders:
            links = (
                f"[{each.controller}:{each.name}](api/{file_name(each.controller)}#{each.name.lower()})"
                for each in senders[error]
            )
            lines.append(f"{', '.join(links)}\n")
    return "\n".join(lines)


def _anchor(error: str) -> str:
    return error.replace(".", "-")


# --- events


def events_page(events: Sequence[Mapping[str, Any]]) -> str:
    """Return the page of all events."""
    lines = [
        "# Events\n",
        "What plugins can listen to. A pipe is awaited, gets the payload and answers it, changed or not; an error that "
        "it raises becomes that of the request. A hook only watches. Listeners of the event itself come first, then "
        "those of `scope:before*` or `scope:after*`, then those of `scope:*`; the scope is what stands before the "
        "last colon.\n",
        "A pipe answers a value of the type it got: one that answers nothing fails the request. "
        "Pipes run one after another, before the hooks, and are bounded by `plugins.common.pipeTimeout`.\n",
    ]
    for event in events:
        takes = "Pipes and hooks." if event["kind"] == "pipe" else "Hooks only."
        lines.append(f"## `{event['name']}` {{#{event_anchor(event['name'])}}}\n")
        lines.append(f"{event['fires']} {takes}\n")
        lines += [f"- `{part['name']}`: {part['description']}" for part in event["payload"]]
        lines.append(f"\nA pipe may change: {event['changes']}\n" if event["kind"] == "pipe" else "")
        for kind, actions in event.get("actions", {}).items():
            lines.append(f"- `{kind}`: {', '.join(f'`{action}`' for action in actions)}")
        lines.append("")
    return "\n".join(lines)


def event_anchor(name: str) -> str:
    """Return where an event stands on its page."""
    return "-".join(re.findall(r"\w+", name))


# --- the configuration


def configuration_page(root: Node) -> str:
    """Return the page of all options."""
    lines = [
        "# Configuration\n",
        "`kuzzle.yml` in the folder where the server starts. What is left out keeps its default; `kuzzle init` writes "
        "a file with everything, `kuzzle check` shows what is in force. A variable such as "
        "`KUZZLE_PROTOCOLS__HTTP__PORT` overrides `protocols.http.port`.\n",
    ]
    section: tuple[str, ...] | None = None
    for path, node in leaves(root):
        if path[:-1] != section:
            section = path[:-1]
            lines.append(f"\n## {'.'.join(section)}\n\n{_section_text(root, section)}\n")
            lines.append("| option | default | takes | |\n|---|---|---|---|")
        default = f"`{json.dumps(node['default'], ensure_ascii=False)}`" if "default" in node else ""
        lines.append(
            f"| `{path[-1]}` | {_cell(default)} | {_cell(expectation(node))} | {_cell(node.get('description', ''))} |"
        )
    return "\n".join(lines) + "\n"


def _section_text(root: Node, section: tuple[str, ...]) -> str:
    node = root
    for name in section:
        node = node["properties"][name]
    return str(node.get("description", ""))
