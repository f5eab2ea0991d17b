"""What authors of plugins import; `base.py` says what a plugin is."""

from __future__ import annotations

from kuzzle.controllers.base import Controller, action
from kuzzle.errors import KuzzleError
from kuzzle.plugins.base import Plugin
from kuzzle.plugins.context import PluginContext
from kuzzle.request import Request
from kuzzle.security.strategies.base import Accepted, FoundCredentials, Redirected, Refused, Strategy

__all__ = [
    "Accepted",
    "Controller",
    "FoundCredentials",
    "KuzzleError",
    "Plugin",
    "PluginContext",
    "Redirected",
    "Refused",
    "Request",
    "Strategy",
    "action",
]
