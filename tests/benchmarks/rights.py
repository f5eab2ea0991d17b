"""What it costs to be allowed: `server:now` of whoever reaches an open server, beside that of people with rights.

Both servers are ours. On the second one the roles `anonymous` and `default` are closed and further roles say what
is allowed: to anybody by thirty restricted policies, to a user who has logged in by five profiles of six policies.
The ratio is the median of those of the rounds, which follow each other.
"""

from __future__ import annotations

import json
import statistics
import urllib.request
from typing import Any

from client_bytes import websocket_link
from contest import Contestant, compete
from processes import Running, kuzzle

CONNECTIONS = 50
ROLES = 30
PROFILES = 5
REQUEST = {"controller": "server", "action": "now", "requestId": "6c5a7b2e-8a53-4d1e-9a2e-0e8b2a4c7f10"}
SUCCESS = b'"status":200'
TARGET = 1.3


def run() -> str:
    """Measure, and return the table."""
    rows = [
        "| server:now over WebSocket | CPU us a request | times the open one | target | times as many bytes |",
        "|---|---:|---:|---|---:|",
    ]
    with kuzzle() as open_to_all, kuzzle() as closed:
        token = _close(closed.port)
        for window in (1, 16):
            contestants = [
                _contestant("open to everyone", open_to_all, REQUEST),
                # A member that nobody reads, as long as a token: what the bytes alone cost.
                _contestant("open to everyone, more bytes", open_to_all, {**REQUEST, "pad": "x" * len(token)}),
                _contestant(f"anonymous, {ROLES} policies", closed, REQUEST),
                _contestant(
                    f"logged in, {PROFILES} profiles of {ROLES // PROFILES} policies",
                    closed,
                    {**REQUEST, "jwt": token},
                ),
            ]
            compete(contestants, window)
            rows += _rows(contestants, window)
    return "\n".join(rows)


def _rows(contestants: list[Contestant], window: int) -> list[str]:
    first, padded, anonymous, logged_in = contestants
    rows = [
        f"| {first.name}, window {window} | {statistics.median(first.cpu_us):.1f} | | | |",
    ]
    bytes_alone = f"{statistics.median(padded.cpu_us):.1f} | {_ratio(padded, first):.2f}"
    rows.append(f"| {padded.name}, window {window} | {bytes_alone} | | |")
    for contestant, beside in ((anonymous, first), (logged_in, padded)):
        ratio = _ratio(contestant, first)
        verdict = f"{TARGET} {'kept' if ratio <= TARGET else '**missed**'}"
        cost = statistics.median(contestant.cpu_us)
        rows.append(
            f"| {contestant.name}, window {window} | {cost:.1f} | {ratio:.2f} | {verdict} "
            f"| {_ratio(contestant, beside):.2f} |"
        )
    return rows


def _ratio(one: Contestant, other: Contestant) -> float:
    """The median of the ratios of the rounds."""
    return statistics.median(ours / theirs for ours, theirs in zip(one.cpu_us, other.cpu_us, strict=True))


def _contestant(name: str, server: Running, request: dict[str, Any]) -> Contestant:
    text = json.dumps(request, separators=(",", ":"))
    return Contestant(
        name, server.pid, lambda: [websocket_link(server.port, text) for _ in range(CONNECTIONS)], SUCCESS
    )


def _close(port: int) -> str:
    """Make roles, profiles and a user, close the rest; return the user's token."""
    own = [f"role-{number}" for number in range(ROLES)]
    policies = [
        {"roleId": role, "restrictedTo": [{"index": f"index-{number}", "collections": ["a", "b"]}]}
        for number, role in enumerate(own)
    ]
    share = ROLES // PROFILES
    profiles = {f"profile-{number}": policies[number * share :][:share] for number in range(PROFILES)}
    securities = {
        "roles": {role: _role(f"plugin-{number}/controller", role) for number, role in enumerate(own)},
        "profiles": {name: {"policies": held} for name, held in profiles.items()},
        "users": {
            "ada": {
                "content": {"profileIds": list(profiles)},
                "credentials": {"local": {"username": "ada", "password": "engine"}},
            }
        },
    }
    _ask(port, "POST", "/admin/_loadSecurities?refresh=wait_for", securities)
    body = {"username": "ada", "password": "engine"}
    token = str(_ask(port, "POST", "/_login/local", body)["jwt"])
    closed = {"controllers": {"auth": {"actions": {"login": True}}}}
    _ask(port, "PUT", "/profiles/anonymous", {"policies": [{"roleId": "anonymous"}, *policies]})
    _ask(port, "PUT", "/roles/anonymous", closed)
    return token


def _role(controller: str, name: str) -> dict[str, Any]:
    """Return a role; that of one number alone allows what is measured, hence every table is asked."""
    controllers = {controller: {"actions": {"read": True, "write": True, "*": False}}}
    if int(name.rpartition("-")[2]) % (ROLES // PROFILES) == 0:
        controllers["server"] = {"actions": {"now": True, "info": True}}
    return {"controllers": controllers}


def _ask(port: int, verb: str, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"http://localhost:{port}{path}",
        data=json.dumps(body).encode(),
        method=verb,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["result"]
