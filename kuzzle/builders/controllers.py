"""Which of the shipped controllers the configuration leaves out."""

from __future__ import annotations

from kuzzle.config import Config
from kuzzle.controllers.passwords import PasswordController


def controllers_switched_off(config: Config) -> list[str]:
    """Return the controllers that the configuration leaves out."""
    return [] if config.section("security")["local"]["passwordReset"] else [PasswordController.name]
