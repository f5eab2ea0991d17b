"""Places: read in every form, found by areas, sorted by distance, on the index of the collection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plain_geo
import pytest
import tornado.ioloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, FailedWrite, WriteKind
from kuzzle.storage.geo import (
    Area,
    Box,
    Circle,
    GeoProblem,
    Point,
    Polygon,
    decode_point,
    encode_point,
    read_distance,
    read_point,
)
from kuzzle.storage.geo_tree import GeoWithin
from kuzzle.storage.query import Search, parse_query, parse_search
from kuzzle.storage.sqlite import SqliteStorage
from kuzzle.storage.sqlite.pages import Matches

PLACES: dict[str, Any] = {
    "paris": {"lat": 48.8566, "lon": 2.3522},
    "london": "51.5074,-0.1278",
    "berlin": [13.405, 52.52],
    "montpellier": {"lat": "43.6119", "lon": "3.8772"},
    "suva": "-18.1248,178.4501",
    "apia": {"lat": -13.8507, "lon": -171.7514},
    "both": [{"lat": 48.85, "lon": 2.35}, "-18.12,178.45"],
    "cell": "u09t",
}
MAPPING = {"properties": {"p": {"type": "geo_point"}, "k": {"type": "keyword"}}}


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")

    async def fill() -> None:
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)

    io_loop.run_sync(fill)
    yield storage
    io_loop.run_sync(storage.close)


async def put(storage: SqliteStorage, sources: dict[str, Any]) -> None:
    """Store documents."""
    writes = [DocumentWrite(name, source) for name, source in sources.items()]
    outcomes = await storage.write_documents("i", "c", WriteKind.CREATE_OR_REPLACE, writes)
    assert [outcome.error for outcome in outcomes if isinstance(outcome, FailedWrite)] == []


async def find(storage: SqliteStorage, query: Any) -> list[str]:
    """Return the ids that a query finds."""
    return sorted(await storage.find_ids("i", "c", parse_query(query)))


def refused(query: Any) -> str:
    """Return the text that refuses a query."""
    with pytest.raises(KuzzleError) as caught:
        parse_query(query)
    assert (caught.value.id, caught.value.status) == ("services.storage.unexpected_bad_request", 400)
    return caught.value.message


# --- reading


@pytest.mark.parametrize(
    ("value", "lat", "lon"),
    [
        ({"lat": 1.5, "lon": -2}, 1.5, -2),
        ({"lat": "1.5", "lon": "-2"}, 1.5, -2),
        ("1.5,-2", 1.5, -2),
        ("1.5, -2", 1.5, -2),
        ([-2, 1.5], 1.5, -2),
        ([-2, 1.5, 100], 1.5, -2),
        ("s", 0, 0),
        ("u09t", 48.69140625, 2.109375),
    ],
)
def test_a_place_is_read_in_every_form(value: Any, lat: float, lon: float) -> None:
    assert read_point(value) == Point(lat, lon)


@pytest.mark.parametrize(
    "value",
    [None, 1, "", "a,b", "a", "1,2,3", [1], [1, 2, 3, 4], ["1", "2"], {"lat": 1}, {"lat": 1, "lon": 2, "x": 3},
     {"lat": 91, "lon": 0}, {"lat": 0, "lon": -181}, {"lat": True, "lon": 0}, {"lat": 10**400, "lon": 0}],
)  # fmt: skip
def test_what_is_no_place_is_refused(value: Any) -> None:
    with pytest.raises(GeoProblem):
        read_point(value)


@pytest.mark.parametrize(
    ("value", "metres"),
    [("10", 10), (10, 10), ("1.5km", 1500), ("10 m", 10), ("1mm", 0.001), ("2cm", 0.02), ("1in", 0.0254),
     ("1ft", 0.3048), ("1yd", 0.9144), ("1mi", 1609.344), ("1nmi", 1852), ("1NM", 1852), ("1e3m", 1000), (0, 0)],
)  # fmt: skip
def test_a_distance_is_read_with_its_unit(value: Any, metres: float) -> None:
    assert read_distance(value) == pytest.approx(metres)


@pytest.mark.parametrize("value", ["", "km", "10 parsecs", -1, "-1km", None, True, "1e999m", [1]])
def test_what_is_no_distance_is_refused(value: Any) -> None:
    with pytest.raises(GeoProblem):
        read_distance(value)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_an_indexed_place_keeps_its_degrees(lat: float, lon: float) -> None:
    assert decode_point(encode_point(Point(lat, lon))) == Point(lat, lon)


BOX = Box(50, 1, 48, 3)


@pytest.mark.parametrize(
    ("body", "area"),
    [
        ({"geo_distance": {"distance": "2km", "p": [2, 1]}}, Circle(Point(1, 2), 2000)),
        ({"geo_distance": {"distance": 2, "unit": "mi", "distance_type": "plane", "p": "1,2"}},
         Circle(Point(1, 2), 3218.688, is_plane=True)),
        ({"geo_bounding_box": {"p": {"top_left": "50,1", "bottom_right": [3, 48]}}}, BOX),
        ({"geo_bounding_box": {"p": {"topLeft": "50,1", "bottomRight": [3, 48]}, "type": "indexed"}}, BOX),
        ({"geo_bounding_box": {"p": {"top_right": "50,3", "bottom_left": {"lat": 48, "lon": 1}}}}, BOX),
        ({"geo_bounding_box": {"p": {"top": 50, "left": "1", "bottom": 48, "right": 3}}}, BOX),
        ({"geo_bounding_box": {"p": {"wkt": "BBOX (1, 3, 50, 48)"}}}, BOX),
        ({"geo_bounding_box": {"p": {"top_left": "s", "bottom_right": "s"}}}, Box(45, 0, 0, 45)),
        ({"geo_polygon": {"p": {"points": ["0,0", [1, 0], {"lat": 1, "lon": 1}, "0,0"]}}},
         Polygon((Point(0, 0), Point(0, 1), Point(1, 1)))),
    ],
)  # fmt: skip
def test_an_area_is_read_in_every_form(body: Any, area: Area) -> None:
    query = parse_query(body)
    assert isinstance(query, GeoWithin)
    assert (query.field, query.area) == ("p", area)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"geo_distance": {"p": [1, 2]}}, "geo_distance requires 'distance' to be specified"),
        ({"geo_distance": {"distance": "1km"}}, "[geo_distance] query has no field"),
        ({"geo_distance": {"distance": "1km", "p": [1, 2], "q": [1, 2]}},
         "[geo_distance] query doesn't support multiple fields, found [p] and [q]"),
        ({"geo_distance": {"distance": "1 parsec", "p": [1, 2]}},
         "[geo_distance] failed to parse [p]: No distance unit match [parsec]"),
        ({"geo_distance": {"distance": "1km", "p": "far away"}},
         "[geo_distance] failed to parse [p]: failed to parse [far away], expected 2 coordinates but found: [1]"),
        ({"geo_distance": {"distance": 1, "unit": 3, "p": [1, 2]}},
         "[geo_distance] failed to parse [p]: No distance unit match [3]"),
        ({"geo_distance": {"distance": 1, "distance_type": "round", "p": [1, 2]}},
         "[geo_distance] No geo distance for [round]"),
        ({"geo_distance": {"distance": 1, "validation_method": "COERCE", "p": [1, 2]}},
         "[geo_distance] [validation_method] other than [STRICT] is not supported"),
        ({"geo_distance": {"distance": 1, "ignore_malformed": True, "p": [1, 2]}},
         "[geo_distance] [ignore_malformed] is not supported"),
        ({"geo_bounding_box": {"p": {"top_left": "1,1", "bottom_right": "2,2"}}},
         "[geo_bounding_box] failed to parse [p]: top is below bottom corner: 1.0 vs. 2.0"),
        ({"geo_bounding_box": {"p": {"top_left": "1,1"}}},
         "[geo_bounding_box] failed to parse [p]: failed to parse bounding box, unexpected corners [top_left]"),
        ({"geo_bounding_box": {"p": {"wkt": "POINT (1 2)"}}},
         "[geo_bounding_box] failed to parse [p]: failed to parse WKT bounding box [POINT (1 2)]"),
        ({"geo_polygon": {"p": {"points": ["1,1", "2,2", "1,1"]}}},
         "[geo_polygon] failed to parse [p]: too few points defined for geo_polygon query"),
        ({"geo_polygon": {"p": {"points": ["1,1"] * 1001}}},
         "[geo_polygon] too many points: at most 1000 are allowed"),
        ({"geo_polygon": {"p": {}}}, "[geo_polygon] [p] must have an array of [points]"),
    ],
)  # fmt: skip
def test_a_faulty_clause_about_places_is_refused(body: Any, text: str) -> None:
    assert refused(body) == text


# --- finding


async def test_areas_find_places_in_every_form(storage: SqliteStorage) -> None:
    await put(storage, {**{name: {"p": place} for name, place in PLACES.items()}, "none": {"k": "x"}})
    near = {"geo_distance": {"distance": "350km", "p": "48.8566,2.3522"}}
    assert await find(storage, near) == ["both", "cell", "london", "paris"]
    europe = {"geo_bounding_box": {"p": {"top": 60, "left": -5, "bottom": 40, "right": 20}}}
    assert await find(storage, europe) == ["berlin", "both", "cell", "london", "montpellier", "paris"]
    pacific = {"geo_bounding_box": {"p": {"top_left": "0,170", "bottom_right": "-30,-170"}}}
    assert await find(storage, pacific) == ["apia", "both", "suva"]
    assert await find(storage, {"geo_distance": {"distance": "1300km", "p": "-16,-178"}}) == ["apia", "both", "suva"]
    france = {"geo_polygon": {"p": {"points": ["51,2.5", "48.5,-5", "43,-2", "42.5,3", "43.5,7.5", "49,8"]}}}
    assert await find(storage, france) == ["both", "cell", "montpellier", "paris"]
    assert await find(storage, {"exists": {"field": "p"}}) == sorted(PLACES)


async def test_a_changed_or_removed_place_is_found_where_it_is(storage: SqliteStorage) -> None:
    near = {"geo_distance": {"distance": "10km", "p": "48.8566,2.3522"}}
    await put(storage, {"a": {"p": PLACES["paris"]}, "b": {"p": PLACES["paris"]}})
    assert await find(storage, near) == ["a", "b"]
    await put(storage, {"a": {"p": PLACES["london"]}})
    await storage.write_documents("i", "c", WriteKind.DELETE, [DocumentWrite("b", None)])
    assert await find(storage, near) == []


@pytest.mark.parametrize(
    ("field", "text"),
    [("k", "[geo_distance] field [k] is not a geo_point field"),
     ("q", "[geo_distance] failed to find geo_point field [q]")],
)  # fmt: skip
async def test_a_clause_about_what_is_no_place_is_refused(storage: SqliteStorage, field: str, text: str) -> None:
    with pytest.raises(KuzzleError) as caught:
        await find(storage, {"geo_distance": {"distance": 1, field: "1,1"}})
    assert (caught.value.id, caught.value.message) == ("services.storage.unexpected_bad_request", text)
    with pytest.raises(KuzzleError):
        await storage.search("i", "c", parse_search({"sort": {"_geo_distance": {field: "1,1"}}}, offset=0, size=1))


async def test_an_unmapped_place_can_be_ignored(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"p": "1,1"}})
    query = {"geo_bounding_box": {"q": {"wkt": "BBOX (0, 2, 2, 0)"}, "ignore_unmapped": True}}
    assert await find(storage, query) == []
    body = {"sort": {"_geo_distance": {"q": "1,1", "ignore_unmapped": True}}}
    page = await storage.search("i", "c", parse_search(body, offset=0, size=1))
    assert [hit.sort for hit in page.hits] == [["Infinity"]]


async def test_areas_are_looked_up_in_the_index(storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(storage, {"a": {"p": "48.85,2.35"}})
    plans: list[str] = []

    class Explained(Matches):
        def _rows(self, statement: str) -> Any:
            plan = self._connection.execute(f"EXPLAIN QUERY PLAN {statement}", self._translation.values)
            plans.extend(row[3] for row in plan)
            return super()._rows(statement)

    monkeypatch.setattr("kuzzle.storage.sqlite.searching.Matches", Explained)
    assert await find(storage, {"geo_distance": {"distance": "1km", "p": "48.85,2.35"}}) == ["a"]
    assert any("values_1 USING PRIMARY KEY (field=? AND value>? AND value<?)" in plan for plan in plans), plans
    assert not any(plan.startswith("SCAN values") for plan in plans), plans


# --- sorting


async def sorted_by(storage: SqliteStorage, **options: Any) -> list[tuple[str, Any]]:
    """Return ids and sort values in the order of a sort by distance."""
    body = {"sort": [{"_geo_distance": options}]}
    page = await storage.search("i", "c", parse_search(body, offset=0, size=10))
    return [(hit.id, hit.sort[0] if hit.sort else None) for hit in page.hits]


async def test_documents_are_sorted_by_distance(storage: SqliteStorage) -> None:
    names = ("paris", "london", "berlin")
    await put(storage, {**{name: {"p": PLACES[name]} for name in names}, "none": {}})
    found = await sorted_by(storage, p="48.8566,2.3522", unit="km")
    assert [name for name, _ in found] == ["paris", "london", "berlin", "none"]
    assert [value for _, value in found[:3]] == pytest.approx([0, 343.6, 877.5], abs=0.5)
    assert found[3][1] == "Infinity"
    found = await sorted_by(storage, p=PLACES["paris"], order="desc")
    assert [name for name, _ in found] == ["none", "berlin", "london", "paris"]


@pytest.mark.parametrize(("mode", "expected"), [("min", 0), ("max", 20), ("avg", 25 / 3), ("median", 5), (None, 0)])
async def test_of_several_distances_the_mode_picks_one(
    storage: SqliteStorage, mode: str | None, expected: float
) -> None:
    await put(storage, {"a": {"p": ["0,0", "0,5", "0,20"]}})
    options = {"p": [[0, 0]], "unit": "m", **({"mode": mode} if mode else {})}
    ((_, value),) = await sorted_by(storage, **options)
    assert value / (plain_geo.EARTH_RADIUS_M * 3.141592653589793 / 180) == pytest.approx(expected)


async def test_several_origins_are_all_measured(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"p": "0,1"}, "b": {"p": "0,9"}, "c": {"p": "0,5"}})
    assert [name for name, _ in await sorted_by(storage, p=["0,0", "0,10.5"])] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "options",
    [{}, {"p": "1,1", "unit": "parsec"}, {"p": "1,1", "mode": "sum"}, {"p": "x y"}, {"p": []}, {"p": "1,1", "q": "1,1"},
     {"p": "1,1", "distance_type": "round"}, {"p": ["1,1"] * 101}],
)  # fmt: skip
def test_a_faulty_sort_by_distance_is_refused(options: Any) -> None:
    with pytest.raises(KuzzleError) as caught:
        parse_search({"sort": {"_geo_distance": options}}, offset=0, size=1)
    assert caught.value.status == 400


# --- random places and areas

LATITUDES = st.one_of(st.sampled_from([-90.0, 90.0, 0.0, 45.0]), st.floats(-90, 90))
LONGITUDES = st.one_of(st.sampled_from([-180.0, 180.0, 0.0, 179.99, -179.99]), st.floats(-180, 180))
POINTS = st.builds(Point, LATITUDES, LONGITUDES)
BOXES = st.builds(
    lambda one, other, left, right: Box(max(one, other), left, min(one, other), right),
    LATITUDES, LATITUDES, LONGITUDES, LONGITUDES,
)  # fmt: skip
CIRCLES = st.builds(Circle, POINTS, st.one_of(st.floats(0.1, 1000), st.floats(1000, 2.1e7)), st.booleans())
POLYGONS = st.builds(Polygon, st.lists(POINTS, min_size=3, max_size=6, unique=True).map(tuple))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    documents=st.lists(st.lists(POINTS, max_size=3), min_size=1, max_size=8),
    areas=st.lists(st.one_of(BOXES, CIRCLES, POLYGONS), min_size=1, max_size=6),
    offsets=st.lists(st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)), max_size=4),
)
def test_random_areas_find_what_a_plain_evaluation_finds(
    io_loop: tornado.ioloop.IOLoop,
    storage: SqliteStorage,
    documents: list[list[Point]],
    areas: list[Area],
    offsets: list[tuple[float, float]],
) -> None:
    """Some places are put near the borders of the areas, where mistakes are."""
    near = [
        Point(max(-90.0, min(90.0, point.lat + up)), max(-180.0, min(180.0, point.lon + aside)))
        for area, (up, aside) in zip(areas, offsets, strict=False)
        for point in corners(area)
    ]
    all_places = [*documents, *([point] for point in near)]
    sources = {
        f"d{number}": {"p": [{"lat": point.lat, "lon": point.lon} for point in points]}
        for number, points in enumerate(all_places)
    }

    async def fill() -> None:
        before = await storage.find_ids("i", "c")
        await storage.write_documents("i", "c", WriteKind.DELETE, [DocumentWrite(name, None) for name in before])
        await put(storage, sources)

    io_loop.run_sync(fill)
    for area in areas:
        verdicts = {
            name: [plain_geo.is_inside(area, point) for point in plain_geo.places(source)]
            for name, source in sources.items()
        }
        must = {name for name, found in verdicts.items() if True in found}
        may = must | {name for name, found in verdicts.items() if None in found}
        query = GeoWithin("test", "p", area)
        page = io_loop.run_sync(lambda: storage.search("i", "c", Search(query, size=1000)))  # noqa: B023
        found = {hit.id for hit in page.hits}
        assert must <= found <= may
        assert page.total == len(found)


def corners(area: Area) -> list[Point]:
    """Return some places on the border of an area."""
    match area:
        case Box():
            return [Point(area.top, area.left), Point(area.bottom, area.right)]
        case Circle():
            return [area.center]
    return list(area.points)
