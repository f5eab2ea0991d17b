"""A provider of OpenID Connect that says whatever a test wants it to; nobody logs in there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import warnings
from collections.abc import Mapping
from typing import Any

import tornado.httpserver
import tornado.httputil
import tornado.netutil
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
with warnings.catch_warnings(action="ignore"):
    WEAK_RSA = RSAKey.generate_key(1024, {"kid": "weak"})
STRANGE_RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
CLIENT_SECRET = "a secret of the client that is long enough"


class LyingProvider:
    """Answers by path, and counts how often it is asked.

    Attributes:
        answers: Path to status, and a body that is JSON unless it is bytes.
        asked: Path to how often.
        hangs: Paths that are never answered.
    """

    def __init__(self) -> None:
        (self._socket,) = tornado.netutil.bind_sockets(0, "127.0.0.1")
        self.issuer = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = tornado.httpserver.HTTPServer(self._answer)
        self._server.add_socket(self._socket)
        self.asked: dict[str, int] = {}
        self.hangs: set[str] = set()
        description = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/me",
        }
        self.answers: dict[str, tuple[int, Any]] = {
            "/.well-known/openid-configuration": (200, description),
            "/jwks": (200, {"keys": [key.as_dict(private=False) for key in (RSA, EC, WEAK_RSA)]}),
            "/me": (200, {"sub": "Emma", "name": "Emma Woodhouse"}),
        }

    def gives(self, id_token: str) -> None:
        """Give this ID token from now on, whatever the code."""
        self.answers["/token"] = (200, {"access_token": "x", "token_type": "Bearer", "id_token": id_token})

    def describes(self, **changes: Any) -> None:
        """Change what it says about itself."""
        self.answers["/.well-known/openid-configuration"][1].update(changes)

    def claims(self, expected: str, /, **changes: Any) -> dict[str, Any]:
        """Return honest claims for the nonce that is expected, with changes; None leaves one out."""
        now_s = int(time.time())
        honest = {
            "iss": self.issuer,
            "aud": "kuzzle",
            "sub": "Emma",
            "nonce": expected,
            "iat": now_s,
            "exp": now_s + 60,
        }
        return {name: value for name, value in {**honest, **changes}.items() if value is not None}

    def close(self) -> None:
        """Close the door."""
        self._server.stop()

    async def end(self) -> None:
        """Close the door and whoever came in."""
        self.close()
        await self._server.close_all_connections()

    def _answer(self, request: tornado.httputil.HTTPServerRequest) -> None:
        self.asked[request.path] = self.asked.get(request.path, 0) + 1
        if request.path in self.hangs:
            return
        status, content = self.answers.get(request.path, (404, {}))
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        assert request.connection is not None
        headers = tornado.httputil.HTTPHeaders({"Content-Length": str(len(body)), "Location": f"{self.issuer}/jwks"})
        task = request.connection.write_headers(
            tornado.httputil.ResponseStartLine("HTTP/1.1", status, "Said"), headers, body
        )
        asyncio.ensure_future(task).add_done_callback(lambda done: done.cancelled() or done.exception())
        request.connection.finish()


def signed(claims: Mapping[str, Any], key: Any = RSA, algorithm: str = "RS256", **header: Any) -> str:
    """Return the text of a token; None leaves a member of its header out."""
    full = {"alg": algorithm, "kid": key.kid, **header}
    return jwt.encode(
        {name: value for name, value in full.items() if value is not None}, dict(claims), key, [algorithm]
    )


def unsigned(claims: Mapping[str, Any], algorithm: str = "none") -> str:
    """Return the text of a token without a signature."""
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "kid": "rsa"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def confused(claims: Mapping[str, Any], secret: bytes) -> str:
    """Return the text of a token signed by HS256; a library would not take a public key for a secret."""
    text = unsigned(claims, "HS256").rstrip(".")
    digest = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
