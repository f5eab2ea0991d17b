"""How a login finds out who asks."""

from __future__ import annotations

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.strategies.base import Accepted, Redirected, Refused
from kuzzle.security.strategies.registry import Strategies, guarded
from kuzzle.security.users import User, Users


class Logins:
    """The logins of one server.

    Attributes:
        strategies: Those that are registered.
    """

    def __init__(self, strategies: Strategies, users: Users) -> None:
        self.strategies = strategies
        self._users = users

    async def verify(self, request: Request, strategy_name: str) -> User | Redirected:
        """Return the user whom a strategy finds out, or where it sends the client for its next step.

        Raises:
            KuzzleError: `security.credentials.unknown_strategy`, `plugin.strategy.missing_user` (refused),
                `services.storage.not_found` (a user who is deleted), or what the strategy raises.
        """
        strategy = self.strategies.get(strategy_name)
        # Strategies are the code of others: what comes out of one is looked at, whatever its type says.
        verdict: object = await guarded(strategy_name, strategy.verify(request))
        if isinstance(verdict, Redirected):
            return verdict
        if isinstance(verdict, Refused):
            text = verdict.message or f'Unable to log in using the strategy "{strategy_name}"'
            raise KuzzleError("plugin.strategy.missing_user", text)
        if not isinstance(verdict, Accepted):
            raise KuzzleError("plugin.strategy.invalid_verify_resolve", f"[{strategy_name}]")
        if not isinstance(verdict.kuid, str):
            raise KuzzleError("plugin.strategy.invalid_kuid", f"[{strategy_name}]", type(verdict.kuid).__name__)
        return await self._users.get(verdict.kuid)
