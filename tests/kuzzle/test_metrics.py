"""The figures for Prometheus: what is counted, and who may ask for it."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tornado.httpclient
from harness import Server
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse
from running import FREE_PORTS, RunningServer, environment, run
from web_stage import until

from kuzzle.connection import Connection
from kuzzle.metrics.requests import BUCKETS_S, RequestMeter

ON = {"metrics": {"enabled": True, "port": 0}}
LABELS = ("controller", "action", "protocol", "status", "le")
Samples = dict[tuple[str, tuple[str, ...]], float]


async def fetch(server: Server, path: str = "/metrics", **options: Any) -> tornado.httpclient.HTTPResponse:
    """Ask the page of figures."""
    assert server.app.metrics is not None
    url = f"http://localhost:{server.app.metrics.number}{path}"
    options = {"raise_error": False, "allow_nonstandard_methods": True, **options}
    return await tornado.httpclient.AsyncHTTPClient(force_instance=True).fetch(url, **options)


async def scrape(server: Server) -> Samples:
    """Return every sample by its name and the values of its labels."""
    response = await fetch(server)
    assert response.code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sample.labels[name] for name in LABELS if name in sample.labels)): sample.value
        for family in parse(response.body.decode())
        for sample in family.samples
    }


@pytest.fixture
def watched(start_server: Callable[..., Server]) -> Server:
    """A server that counts."""
    return start_server(ON)


async def test_requests_are_counted_by_controller_action_protocol_and_status(watched: Server) -> None:
    websocket = await watched.websocket()
    for _ in range(3):
        await watched.http("GET", "/_now")
    await websocket.request("server", "now")
    await websocket.request("document", "get", index="nowhere", collection="none", _id="x")
    samples = await scrape(watched)
    counted = {labels: value for (name, labels), value in samples.items() if name == "kuzzle_requests_total"}
    assert counted == {
        ("server", "now", "http", "200"): 3,
        ("server", "now", "websocket", "200"): 1,
        ("document", "get", "websocket", "412"): 1,
    }
    took = "kuzzle_request_duration_seconds"
    assert samples[f"{took}_count", ("server", "now")] == 4
    assert samples[f"{took}_sum", ("server", "now")] > 0
    buckets = [samples[f"{took}_bucket", ("server", "now", str(end))] for end in BUCKETS_S]
    assert buckets == sorted(buckets)
    assert samples[f"{took}_bucket", ("server", "now", "+Inf")] == 4


async def test_what_clients_make_up_is_counted_as_other(watched: Server) -> None:
    websocket = await watched.websocket()
    for number in range(20):
        await websocket.request(f"controller-{number}", "now")
        await websocket.request("server", f"action-{number}")
        await watched.http("GET", f"/nothing/at/all/of/this/{number}")
    await websocket.request("other", "other")
    await watched.app.entrypoint.execute(Connection("made up"), {"controller": "server", "action": "now"})
    samples = await scrape(watched)
    counted = {labels: value for (name, labels), value in samples.items() if name == "kuzzle_requests_total"}
    assert counted == {
        ("other", "other", "websocket", "404"): 21,
        ("server", "other", "websocket", "404"): 20,
        ("other", "other", "http", "404"): 20,
        ("server", "now", "other", "200"): 1,
    }


async def test_a_request_refused_before_its_action_is_counted(watched: Server) -> None:
    await watched.http("POST", "/library/books/_create", b"{", headers={"Content-Type": "application/json"})
    websocket = await watched.websocket()
    watched.app.entrypoint.is_shutting_down = True
    await websocket.request("server", "now")
    samples = await scrape(watched)
    assert samples["kuzzle_requests_total", ("other", "other", "http", "400")] == 1
    assert samples["kuzzle_requests_total", ("server", "now", "websocket", "503")] == 1


async def test_connections_rooms_and_subscriptions_are_told(watched: Server) -> None:
    await watched.prepare()
    one, two = await watched.websocket(), await watched.websocket()
    target = {"index": "library", "collection": "books"}
    room = (await one.request("realtime", "subscribe", body={}, **target))["result"]["roomId"]
    await one.request("realtime", "subscribe", body={}, scope="in", **target)  # another channel, the same room
    await one.request("realtime", "subscribe", body={"exists": {"field": "title"}}, **target)
    await two.request("realtime", "subscribe", body={}, **target)
    samples = await scrape(watched)
    assert samples["kuzzle_connections", ("websocket",)] == 2
    assert samples["kuzzle_connections", ("mqtt",)] == 0
    assert samples["kuzzle_realtime_rooms", ()] == 2
    assert samples["kuzzle_realtime_subscriptions", ()] == 3
    await one.request("realtime", "unsubscribe", body={"roomId": room})
    two.close()
    await until(lambda: watched.app.entrypoint.connection_counts == {"websocket": 1})
    samples = await scrape(watched)
    assert samples["kuzzle_realtime_rooms", ()] == 1
    assert samples["kuzzle_realtime_subscriptions", ()] == 1


def test_requests_at_work_and_waiting_and_the_readiness_are_told(
    start_server: Callable[..., Server], io_loop: Any
) -> None:
    limits = {"concurrentRequests": 1, "requestsBufferSize": 2, "requestsBufferWarningThreshold": 2}
    server = start_server({**ON, "limits": limits})

    async def load() -> None:
        slots = server.app.slots
        assert slots.take_free()  # somebody's long request
        waiting = [asyncio.ensure_future(server.http("GET", "/_now")) for _ in range(2)]
        await until(lambda: slots.waiting == 2)
        samples = await scrape(server)
        assert samples["kuzzle_requests_at_work", ()] == 1
        assert samples["kuzzle_requests_waiting", ()] == 2
        assert samples["kuzzle_ready", ()] == 0
        slots.give_back()
        await asyncio.gather(*waiting)
        samples = await scrape(server)
        assert samples["kuzzle_requests_at_work", ()] == samples["kuzzle_requests_waiting", ()] == 0
        assert samples["kuzzle_ready", ()] == 1

    io_loop.run_sync(load, timeout=30)


async def test_the_store_is_told(watched: Server) -> None:
    before = await scrape(watched)
    await watched.prepare()
    await watched.http("POST", "/library/books/_create", {"title": "x" * 100_000})
    after = await scrape(watched)
    assert after["kuzzle_store_commits_total", ()] == before["kuzzle_store_commits_total", ()] + 3
    assert after["kuzzle_store_size_bytes", ()] > before["kuzzle_store_size_bytes", ()] + 100_000
    assert after["kuzzle_store_writes_waiting", ()] == after["kuzzle_store_searches_waiting", ()] == 0
    assert after["process_resident_memory_bytes", ()] > 0


async def test_open_scrolls_are_told_until_their_time_is_over(watched: Server) -> None:
    await watched.prepare()
    for _ in range(3):
        await watched.http("POST", "/library/books/_create?refresh=wait_for", {})
    for _ in range(4):  # of which nobody asks for a second page
        assert (await watched.http("POST", "/library/books/_search?scroll=2s&size=1")).status == 200
    page = (await watched.http("POST", "/library/books/_search?scroll=1m&size=1")).result
    assert (await scrape(watched))["kuzzle_store_scrolls", ()] == 5
    await watched.http("GET", f"/_scroll/{page['scrollId']}?scroll=1ms")
    await until(lambda: not watched.app.storage.figures().scrolls)
    assert (await scrape(watched))["kuzzle_store_scrolls", ()] == 0
    assert (await watched.http("GET", f"/_scroll/{page['scrollId']}")).status == 404


async def test_the_page_stands_though_the_store_is_closed(watched: Server) -> None:
    await watched.app.storage.close()
    samples = await scrape(watched)
    assert ("kuzzle_store_size_bytes", ()) not in samples
    assert samples["kuzzle_ready", ()] == 1


async def test_every_figure_has_a_name_as_prometheus_wants_it_and_a_meaning(watched: Server) -> None:
    await watched.http("GET", "/_now")
    families = [family for family in parse((await fetch(watched)).body.decode()) if family.name.startswith("kuzzle")]
    assert len(families) >= 10
    for family in families:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", family.name)
        assert family.documentation.endswith("."), family.name


async def test_open_metrics_is_spoken_to_those_who_prefer_it(watched: Server) -> None:
    response = await fetch(watched, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert "kuzzle_requests" in {family.name for family in parse_open_metrics(response.body.decode())}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("HEAD", "/metrics", 200), ("GET", "/", 404), ("GET", "/_now", 404), ("POST", "/metrics", 405),
     ("DELETE", "/metrics", 405)],
)  # fmt: skip
async def test_only_the_page_is_served_there(watched: Server, method: str, path: str, status: int) -> None:
    response = await fetch(watched, path, method=method)
    assert response.code == status
    assert bool(response.body) == (method != "HEAD")


async def test_who_sends_a_body_is_cut(watched: Server) -> None:
    with pytest.raises((ConnectionResetError, tornado.httpclient.HTTPError)):
        await fetch(watched, method="POST", body=b"x" * 100_000, raise_error=True)


async def test_the_figures_are_no_part_of_the_api(watched: Server) -> None:
    assert (await watched.http("GET", "/metrics")).status == 404


async def test_a_defect_is_a_500_and_a_line_of_the_log(watched: Server, caplog: pytest.LogCaptureFixture) -> None:
    watched.app.realtime.subscriptions = "many"  # type: ignore[assignment]
    assert (await fetch(watched)).code == 500
    assert "could not be told" in caplog.text


async def test_many_may_ask_at_once(watched: Server) -> None:
    assert {response.code for response in await asyncio.gather(*(fetch(watched) for _ in range(20)))} == {200}


async def test_without_the_option_nothing_is_counted(server: Server) -> None:
    assert server.app.metrics is None
    assert server.app.entrypoint._run == server.app.funnel.execute


def test_without_the_option_the_package_is_not_imported(tmp_path: Path) -> None:
    program = (
        "import sys; from kuzzle.app import Application; from kuzzle.config import Config; "
        "Application(Config.load(None, {})); print('prometheus_client' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, env=environment({}), capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


def test_a_missing_package_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('it is missing')")
    changes = {
        **FREE_PORTS,
        "KUZZLE_METRICS__ENABLED": "true",
        "PYTHONPATH": f"{tmp_path}:{environment({})['PYTHONPATH']}",
    }
    ended = run(tmp_path, changes=changes)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "kuzzle: metrics.enabled: cannot import the package prometheus-client: it is missing\n"


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        changes = {**FREE_PORTS, "KUZZLE_METRICS__ENABLED": "true", "KUZZLE_METRICS__PORT": str(port)}
        ended = run(tmp_path, changes=changes)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"kuzzle: metrics.port: cannot listen on localhost:{port}: Address already in use\n"


def test_the_server_says_where_its_figures_are(tmp_path: Path) -> None:
    changes = {"KUZZLE_METRICS__ENABLED": "true", "KUZZLE_METRICS__PORT": "0", "KUZZLE_METRICS__HOST": "127.0.0.1"}
    with RunningServer(tmp_path, changes=changes) as server:
        (line,) = [line for line in server.summary if "metrics" in line]
        assert line == f"  metrics    http://127.0.0.1:{server.ports['metrics']}/metrics"
        assert server.stop()[0] == 0


def test_a_bucket_holds_what_took_at_most_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = RequestMeter([("server", "now")], ["http"])
    for end in (*BUCKETS_S, 60.0):
        monkeypatch.setattr("kuzzle.metrics.requests.perf_counter", lambda end=end: end)
        meter.count("server", "now", "http", 200, started=0.0)
    (tally,) = meter.snapshot()
    assert tally.buckets == [1] * (len(BUCKETS_S) + 1)
    assert tally.seconds == sum(BUCKETS_S) + 60
