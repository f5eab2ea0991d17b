"""What a plugin says about itself, read from its class and its `manifest.json`, and checked."""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import kuzzle
from kuzzle.encoding import JsonError, decode_json
from kuzzle.errors import KuzzleError
from kuzzle.plugins.base import Plugin

FILE_NAME: Final = "manifest.json"
# The members of `manifest.json`, each with the attribute of the class that says the same.
_MEMBERS: Final[Mapping[str, str]] = {
    "name": "name",
    "version": "version",
    "kuzzleVersion": "kuzzle_version",
    "privileged": "privileged",
    "code": "code",
    "errors": "errors",
    "configSchema": "config_schema",
}
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_ERROR_NAME: Final = re.compile(r"[A-Za-z0-9_]+")
# Names of the domains of errors below `plugin.`, which a plugin of such a name would seem to own.
RESERVED_NAMES: Final = frozenset(
    {"common", "assert", "runtime", "strategy", "controller", "manifest", "context", "authenticators"}
)
_KUZZLE_1: Final = ">=1,<2"
_DOMAIN: Final = 4
# The numbers below belong to the errors that the server itself has about plugins.
_CODES: Final = range(8, 256)
_ERROR_CODES: Final = range(1, 65536)
_STATUSES: Final = range(400, 600)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked manifest.

    Attributes:
        version: The plugin's own, None when it does not say.
        kuzzle_version: The specifier of the versions of the server it works with.
        code: Its number in the codes of its errors.
        error_table: Its errors in the form of `schemas/errors.json`, by their whole ids.
        config_schema: JSON Schema of its options; None: anything goes.
    """

    name: str
    version: str | None
    kuzzle_version: str
    is_privileged: bool
    code: int
    error_table: Mapping[str, Mapping[str, Any]]
    config_schema: Mapping[str, Any] | None

    def error_id(self, name: str) -> str:
        """Return the whole id of an error of the plugin."""
        return f"plugin.{self.name}.{name}"

    def shown(self) -> dict[str, Any]:
        """Return what `server:info` shows of it."""
        return {"name": self.name, "kuzzleVersion": self.kuzzle_version, "privileged": self.is_privileged}


def read_manifest(
    plugin: type[Plugin], folder: Path | None = None, version: str | None = None, taken: Container[int] = ()
) -> Manifest:
    """Read and check the manifest of a plugin.

    Args:
        folder: Where a `manifest.json` may be; None: nowhere.
        version: That of the distribution it comes with, for a plugin that does not say.
        taken: The codes of other plugins. An id tells an error apart, so plugins of equal codes may stand together:
            the later one gets the next free code.

    Raises:
        KuzzleError: What is wrong with it (`plugin.manifest.*`).
    """
    stated: dict[str, Any] = {member: getattr(plugin, attribute) for member, attribute in _MEMBERS.items()}
    if folder is not None and (folder / FILE_NAME).exists():
        stated |= _read_file(folder)
    label = str(stated["name"] or plugin.__name__)
    name = _checked_name(stated["name"], label)
    kuzzle_version = _checked_version(stated["kuzzleVersion"], name)
    privileged = stated["privileged"]
    if not isinstance(privileged, bool):
        raise KuzzleError("plugin.manifest.invalid_privileged", name, type(privileged).__name__)
    code = _code(stated["code"], name, taken)
    return Manifest(
        name,
        version if stated["version"] is None else str(stated["version"]),
        kuzzle_version,
        privileged,
        code,
        dict(_error(name, code, *entry) for entry in _entries(stated["errors"], name)),
        stated["configSchema"],
    )


def _read_file(folder: Path) -> dict[str, Any]:
    try:
        content = decode_json((folder / FILE_NAME).read_bytes())
    except OSError as error:
        raise KuzzleError("plugin.manifest.cannot_load", folder.name, error.strerror) from error
    except JsonError as error:
        raise KuzzleError("plugin.manifest.cannot_load", folder.name, error) from error
    if not isinstance(content, dict):
        raise KuzzleError("plugin.manifest.cannot_load", folder.name, "it is no object")
    unknown = [member for member in content if member not in _MEMBERS]
    if unknown:
        text = f"unknown member {unknown[0]}; expected some of {', '.join(_MEMBERS)}"
        raise KuzzleError("plugin.manifest.cannot_load", folder.name, text)
    return content


def _checked_name(name: Any, label: str) -> str:
    if name is None or name == "":
        raise KuzzleError("plugin.manifest.missing_name", label)
    if not isinstance(name, str):
        raise KuzzleError("plugin.manifest.invalid_name_type", label)
    if not _NAME.fullmatch(name):
        raise KuzzleError("plugin.manifest.invalid_name", label)
    if name.lower() in RESERVED_NAMES:
        raise KuzzleError("plugin.assert.name_already_exists", name)
    return name


def _checked_version(wanted: Any, name: str) -> str:
    """Return the specifier of the versions of the server that a plugin works with, which this one has."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # 5 ms that a server without plugins saves
    from packaging.version import Version

    specifier = _KUZZLE_1 if wanted is None else wanted
    try:
        # A version that is in the making counts as what it becomes.
        is_right = SpecifierSet(specifier).contains(Version(kuzzle.__version__).base_version)
    except (InvalidSpecifier, TypeError, AttributeError):
        specifier, is_right = f"{specifier}, which is no specifier such as >=1.12,<2", False
    if not is_right:
        raise KuzzleError("plugin.manifest.version_mismatch", name, kuzzle.__version__, specifier)
    return str(specifier)


def _code(stated: Any, name: str, taken: Container[int]) -> int:
    """Return the code that a plugin states, else one that follows from its name; a taken one makes way."""
    if stated is not None and not _is_in(stated, _CODES):
        raise KuzzleError("plugin.manifest.invalid_errors", name, f"{stated} is no code from 8 to 255")
    first = _CODES[zlib.crc32(name.lower().encode()) % len(_CODES)] if stated is None else stated
    code = next((code for code in (*range(first, _CODES.stop), *_CODES) if code not in taken), first)
    if code != first:
        logger.warning("The errors of the plugin %s get the code %d: %d is that of another plugin", name, code, first)
    return code


def _entries(errors: Any, name: str) -> list[tuple[str, Any]]:
    if not isinstance(errors, Mapping):
        raise KuzzleError("plugin.manifest.invalid_errors", name, "expected an object, names to errors")
    codes = [entry.get("code") for entry in errors.values() if isinstance(entry, Mapping)]
    twice = next((code for position, code in enumerate(codes) if code in codes[:position]), None)
    if twice is not None:
        raise KuzzleError("plugin.manifest.invalid_errors", name, f"the code {twice} stands twice")
    return list(errors.items())


def _error(plugin: str, code: int, name: Any, entry: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the id of an error of a plugin and its definition in the form of `schemas/errors.json`.

    Its number is 4 << 24 | the plugin's code << 16 | its own code.
    """
    if not (isinstance(name, str) and _ERROR_NAME.fullmatch(name)):
        raise KuzzleError(
            "plugin.manifest.invalid_errors", plugin, f"{name}: expected a name of letters, digits and underscores"
        )
    if not isinstance(entry, Mapping) or set(entry) != {"code", "status", "message"}:
        raise KuzzleError("plugin.manifest.invalid_errors", plugin, f"{name}: expected code, status and message")
    if not _is_in(entry["code"], _ERROR_CODES):
        raise KuzzleError("plugin.manifest.invalid_errors", plugin, f"{name}: expected a code from 1 to 65535")
    if not _is_in(entry["status"], _STATUSES):
        raise KuzzleError("plugin.manifest.invalid_errors", plugin, f"{name}: expected a status from 400 to 599")
    if not (isinstance(entry["message"], str) and entry["message"]):
        raise KuzzleError("plugin.manifest.invalid_errors", plugin, f"{name}: expected a message that is a text")
    number = _DOMAIN << 24 | code << 16 | entry["code"]
    return f"plugin.{plugin}.{name}", {
        "code": number,
        "1": {"status": entry["status"], "message": entry["message"]},
    }


def _is_in(value: Any, numbers: range) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in numbers
