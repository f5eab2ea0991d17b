"""Who follows which channel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocols.followers import Followers

channels = st.sampled_from("abc")
connections = st.sampled_from("123")
steps = st.lists(st.tuples(st.sampled_from(["join", "leave", "leave_all"]), channels, connections))


@given(steps)
def test_followers_are_those_who_joined_and_did_not_leave(steps: list[tuple[str, str, str]]) -> None:
    followers: Followers[str] = Followers()
    expected: set[tuple[str, str]] = set()
    for step, channel, connection in steps:
        if step == "join":
            followers.join(channel, connection, f"client {connection}")
            expected.add((channel, connection))
        elif step == "leave":
            followers.leave(channel, connection)
            expected.discard((channel, connection))
        else:
            followers.leave_all(connection)
            expected = {pair for pair in expected if pair[1] != connection}
        for each in "abc":
            clients = sorted(f"client {follower}" for name, follower in expected if name == each)
            assert sorted(followers.of(each)) == clients
        assert len(followers) == len({name for name, _ in expected})
