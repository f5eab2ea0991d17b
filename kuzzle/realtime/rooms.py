"""Rooms: who waits for what. A room is one filter on one collection; a channel of it is one choice of
what to hear about.

Everyone with an equal filter is in the same room, and with equal options on the same channel, so a
notification is worded and serialised once for all of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from kuzzle.realtime.normal_form import NormalForm

if TYPE_CHECKING:
    from kuzzle.api.generation import ApiGeneration
    from kuzzle.realtime.history import RoomHistory
    from kuzzle.security.verified_tokens import Token

ANONYMOUS_ID: Final = "-1"
"""Id of whoever has not logged in."""

Scope = Literal["in", "out", "unknown"]
State = Literal["pending", "done"]
Movement = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class ChannelOptions:
    """What a subscriber wants to hear about.

    Attributes:
        scope: Documents that come `in`, go `out`, `all` or `none`.
        users: Users that come `in`, go `out`, `all` or `none`.
        state: `pending` writes, those `done`, or `all`.
        api: The API generation that words the notifications.
    """

    scope: str
    users: str
    state: str
    api: ApiGeneration

    def wants_document(self, scope: Scope, state: State) -> bool:
        """Tell whether a document's notification goes to the channel; `unknown` only with scope `all`."""
        return self.scope in (scope, "all") and self.state in (state, "all")

    def wants_user(self, movement: Movement) -> bool:
        """Tell whether a user's notification goes to the channel."""
        return self.users in (movement, "all")

    def suffix(self) -> str:
        """Return the end of the channel's name: 32 hexadecimal digits, the same on every server."""
        text = json.dumps([self.scope, self.users, self.state, self.api.number])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(slots=True, eq=False)
class Channel:
    """A name that subscribers of a room with the same options follow."""

    name: str
    options: ChannelOptions
    followers: int = 0


@dataclass(slots=True, eq=False)
class Member:
    """A connection in a room.

    Attributes:
        volatile: That of its first subscription, shown when it comes and goes.
        protocol: Name of its protocol; None when it leaves because its token has ended.
        channels: What it follows, by name.
        token: By which it is there; None for anonymous.
    """

    volatile: dict[str, Any] | None
    protocol: str | None
    channels: dict[str, Channel] = field(default_factory=dict)
    token: Token | None = None

    @property
    def kuid(self) -> str:
        """Id of the user who is there."""
        return ANONYMOUS_ID if self.token is None else self.token.kuid


@dataclass(slots=True, eq=False)
class Room:
    """Everyone with the same filter on the same collection.

    Attributes:
        id: A function of index, collection and filter, without a dash.
        filters: The filter in its normal form.
        channels: Those that somebody follows, by name.
        members: By connection id.
        history: What it has said; None where its collection has no history.
    """

    id: str
    index: str
    collection: str
    filters: NormalForm
    channels: dict[str, Channel] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    history: RoomHistory | None = None

    def follow(self, member: Member, name: str, options: ChannelOptions) -> None:
        """Make a member follow a channel that it does not follow yet."""
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name, options)
        channel.followers += 1
        member.channels[name] = channel

    def leave(self, connection_id: str) -> Member:
        """Let a connection go, and with it the channels that nobody follows any more."""
        member = self.members.pop(connection_id)
        for channel in member.channels.values():
            channel.followers -= 1
            if not channel.followers:
                del self.channels[channel.name]
        return member


Audience = dict["ApiGeneration", list[str]]
"""Names of channels by the API generation that words what they get."""


def document_audience(rooms: Iterable[Room], scope: Scope, state: State) -> Audience:
    """Return the channels of these rooms that want to hear of a document."""
    audience: Audience = {}
    for room in rooms:
        for channel in room.channels.values():
            if channel.options.wants_document(scope, state):
                audience.setdefault(channel.options.api, []).append(channel.name)
    return audience


def user_audience(room: Room, movement: Movement) -> Audience:
    """Return the channels of a room that want to hear of a user who comes or goes."""
    audience: Audience = {}
    for channel in room.channels.values():
        if channel.options.wants_user(movement):
            audience.setdefault(channel.options.api, []).append(channel.name)
    return audience
