"""How API 1 shows what a login gives."""

from __future__ import annotations

from typing import Any

from kuzzle.api.results import IssuedToken, LoginStep
from kuzzle.request import Request


def issued_token(_request: Request, issued: IssuedToken) -> dict[str, Any]:
    """Word a token."""
    token = issued.token
    return {"_id": token.kuid, "jwt": token.text, "expiresAt": token.expires_at_ms, "ttl": token.ttl_ms}


def login_step(_request: Request, step: LoginStep) -> dict[str, Any]:
    """Word where a login goes on."""
    return {"headers": step.headers, "statusCode": step.status}
