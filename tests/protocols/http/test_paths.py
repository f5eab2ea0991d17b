"""Where paths lead: routes, pages, verbs."""

from __future__ import annotations

import json

import pytest
import yaml
from web_stage import HttpClient, StageCatalogue, WebStage

from kuzzle.catalogue import ActionDefinition
from kuzzle.errors import KuzzleError
from protocols.http.routes import RouteTree, shown_path


def tree(*paths: str) -> RouteTree[str]:
    routes: RouteTree[str] = RouteTree()
    for path in paths:
        routes.add("GET", path, path)
    return routes


ROUTES = tree(
    "/", "/_now", "/:index/:collection", "/:index/:collection/:_id", "/users/:_id", "/users/_search", "/ms/get"
)


@pytest.mark.parametrize(
    ("path", "target", "parameters"),
    [
        ("/", "/", {}),
        ("", "/", {}),
        ("///", "/", {}),
        ("/_now", "/_now", {}),
        ("/_now/", "/_now", {}),
        ("//_now", "/_now", {}),
        ("/a//b///c/", "/:index/:collection/:_id", {"index": "a", "collection": "b", "_id": "c"}),
        ("/a/b", "/:index/:collection", {"index": "a", "collection": "b"}),
        ("/users/_search", "/users/_search", {}),
        ("/users/x", "/users/:_id", {"_id": "x"}),
        ("/a/b%2Fc", "/:index/:collection", {"index": "a", "collection": "b/c"}),
        ("/a%20b/c%25", "/:index/:collection", {"index": "a b", "collection": "c%"}),
        ("/caf%C3%A9/x", "/:index/:collection", {"index": "café", "collection": "x"}),
        ("/caf\u00c3\u00a9/x", "/:index/:collection", {"index": "café", "collection": "x"}),  # raw UTF-8
        ("/a+b/c", "/:index/:collection", {"index": "a+b", "collection": "c"}),
        ("/%75sers/x", "/users/:_id", {"_id": "x"}),
        ("/./..", "/:index/:collection", {"index": ".", "collection": ".."}),
    ],
)
def test_a_path_leads_to_its_route(path: str, target: str, parameters: dict[str, str]) -> None:
    found = ROUTES.find("GET", path)
    assert found is not None
    assert (found.target, found.parameters) == (target, parameters)


@pytest.mark.parametrize("path", ["/a", "/a/b/c/d", "/ms/x", "/ms/get/x", "/users", "/_now/x/y"])
def test_a_literal_part_that_matched_is_not_taken_back(path: str) -> None:
    assert ROUTES.find("GET", path) is None


def test_a_literal_part_keeps_the_parameter_beside_it_out_of_reach() -> None:
    routes = tree("/:index/:collection", "/users/_search")
    assert routes.find("GET", "/users/x") is None
    assert routes.find("GET", "/other/x") is not None


def test_routes_may_name_the_same_parameter_differently() -> None:
    routes = tree("/:index/_create", "/:strategy/_login")
    found = routes.find("GET", "/local/_login")
    assert found is not None
    assert found.parameters == {"strategy": "local"}


def test_two_routes_with_the_same_path_are_refused() -> None:
    routes = tree("/:index/:collection")
    with pytest.raises(KuzzleError) as caught:
        routes.add("GET", "/:a/:b", "again")
    assert caught.value.id == "network.http.duplicate_url"
    routes.add("POST", "/:a/:b", "another verb")


def test_a_path_that_is_not_utf8_is_an_error_of_its_own() -> None:
    with pytest.raises(UnicodeDecodeError):
        ROUTES.find("GET", "/a/%ff")


@pytest.mark.parametrize(("path", "shown"), [("/a/", "/a"), ("/a", "/a"), ("/", "/"), ("/a//b//", "/a//b")])
def test_error_texts_show_the_path_without_its_last_slash(path: str, shown: str) -> None:
    assert shown_path(path) == shown


@pytest.mark.parametrize("action", list(StageCatalogue()), ids=lambda action: f"{action.controller}:{action.name}")
async def test_every_route_of_an_action_leads_to_it(action: ActionDefinition) -> None:
    async with WebStage() as stage:
        for route in action.routes:
            path = "/".join(f"x-{part[1:]}" if part.startswith(":") else part for part in route.path.split("/"))
            _, _, envelope = await HttpClient(stage.port).send(route.verb, path)
            assert (envelope["controller"], envelope["action"]) == (action.controller, action.name)


async def test_an_unknown_path_is_a_404_in_an_envelope_without_an_action() -> None:
    async with WebStage() as stage:
        status, _, envelope = await HttpClient(stage.port).send("GET", "/no/such/path/at/all/?a=1")
        assert status == envelope["status"] == 404
        assert envelope["error"]["id"] == "network.http.url_not_found"
        assert envelope["error"]["message"] == "API URL not found: /no/such/path/at/all."
        assert (envelope["controller"], envelope["action"], envelope["index"]) == (None, None, None)


async def test_a_path_that_is_not_utf8_is_refused() -> None:
    async with WebStage() as stage:
        status, _, envelope = await HttpClient(stage.port).send("GET", "/_probe/%ff/b/c")
        assert status == 400
        assert envelope["error"]["id"] == "network.http.unexpected_error"


@pytest.mark.parametrize("verb", ["PROPFIND", "TRACE", "get"])
async def test_a_verb_without_routes_is_refused(verb: str) -> None:
    async with WebStage() as stage:
        status, _, envelope = await HttpClient(stage.port).send(verb, "/_probe")
        assert status == 400
        assert envelope["error"]["id"] == "network.http.unsupported_verb"
        assert verb in envelope["error"]["message"]


@pytest.mark.parametrize("path", ["/_probe", "/", "/no/such/path/at/all", "*"])
async def test_options_is_answered_on_any_path_without_asking_anybody(path: str) -> None:
    async with WebStage() as stage:
        status, headers, envelope = await HttpClient(stage.port).send("OPTIONS", path)
        assert status == 200
        assert envelope["result"] == {}
        assert envelope["error"] is None
        assert headers["access-control-allow-origin"] == "*"
        assert headers["access-control-allow-methods"] == "GET,POST,PUT,DELETE,OPTIONS,HEAD"
        assert stage.funnel.requests == []


async def test_head_of_the_root_is_a_head_without_body_that_asks_nobody() -> None:
    async with WebStage() as stage:
        status, headers, _ = await HttpClient(stage.port).send("HEAD", "/")
        assert status == 200
        assert headers["content-type"] == "application/json"
        assert headers["access-control-allow-origin"] == "*"
        assert stage.funnel.requests == []


async def test_head_elsewhere_is_a_404() -> None:
    async with WebStage() as stage:
        assert (await HttpClient(stage.port).send("HEAD", "/_now"))[0] == 404


async def test_the_root_is_server_info() -> None:
    async with WebStage() as stage:
        _, _, envelope = await HttpClient(stage.port).send("GET", "/")
        assert (envelope["controller"], envelope["action"]) == ("server", "info")


async def test_health_is_told_outside_rights_and_queue() -> None:
    async with WebStage() as stage:
        client = HttpClient(stage.port)
        assert (await client.send("GET", "/_healthcheck"))[0] == 200
        assert (await client.send("GET", "/_ready"))[0] == 200
        stage.is_ready = False
        assert (await client.send("GET", "/_healthcheck"))[0] == 200
        assert (await client.send("GET", "/_ready"))[0] == 503
        assert stage.funnel.requests == []


async def test_the_swagger_document_is_served_as_json_and_as_yaml() -> None:
    async with WebStage() as stage:
        client = HttpClient(stage.port)
        status, headers, as_json = await client.send("GET", "/swagger.json")
        assert (status, headers["content-type"]) == (200, "application/json")
        status, headers, as_yaml = await client.send("GET", "/swagger.yml")
        assert (status, headers["content-type"]) == (200, "application/yaml")
        assert "/_now" in as_json["paths"]
        assert yaml.safe_load(as_yaml) == json.loads(json.dumps(as_json))
        assert stage.funnel.requests == []
