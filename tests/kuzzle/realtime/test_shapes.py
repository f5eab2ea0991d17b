"""Areas: what lies in them, and how they are found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuzzle.realtime.shape_index import ShapeIndex
from kuzzle.realtime.shapes import Box, Polygon, Ring, Shape, distance_m
from kuzzle.realtime.strips import NUMBERS_A_STRIP, STRIPS

LATITUDES = st.one_of(st.floats(-89, 89), st.integers(-89, 89).map(float), st.sampled_from((0.0, -90.0, 90.0)))
LONGITUDES = st.one_of(st.floats(-180, 179.9), st.integers(-180, 179).map(float), st.sampled_from((-180.0, 0.0)))
PLACES = st.tuples(LATITUDES, LONGITUDES)
SIZES = st.sampled_from((1e-6, 0.01, 1.0, 7.5, 30.0, 100.0))


def _on_globe(lat: float) -> float:
    return max(-90.0, min(90.0, lat))


def _near(place: tuple[float, float], size: float, turns: list[tuple[float, float]]) -> list[tuple[float, float]]:
    lat, lon = place
    return [(max(-89.0, min(89.0, lat + up * size)), (lon + aside * size + 180) % 360 - 180) for up, aside in turns]


_TURNS = st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=3, max_size=6)
SHAPES: st.SearchStrategy[Shape] = st.one_of(
    st.builds(
        lambda place, up, aside: Box(place[0] + up, place[1] - aside, place[0] - up, place[1] + aside),
        PLACES,
        SIZES,
        SIZES,
    ),
    st.builds(lambda place, size: Ring(place, 0.0, size * 111_000), PLACES, SIZES),
    st.builds(lambda place, size: Ring(place, size * 40_000, size * 111_000), PLACES, SIZES),
    st.builds(lambda place, size, turns: Polygon(_near(place, size, turns)), PLACES, SIZES, _TURNS),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(SHAPES, min_size=1, max_size=15), st.data())
def test_an_index_finds_what_holds_the_place(shapes: list[Shape], data: st.DataObject) -> None:
    index: ShapeIndex[int] = ShapeIndex()
    for number, shape in enumerate(shapes):
        index.add(shape, number)
    inside = st.sampled_from(shapes).flatmap(
        lambda shape: st.tuples(
            st.floats(0, 1).map(lambda part: _on_globe(shape.bounds().bottom * part + shape.bounds().top * (1 - part))),
            st.floats(0, 1).map(
                lambda part: (shape.bounds().left * part + shape.bounds().right * (1 - part) + 180) % 360 - 180
            ),
        )
    )
    for place in data.draw(st.lists(st.one_of(PLACES, inside), min_size=1, max_size=5)):
        assert sorted(index.find(place)) == [number for number, shape in enumerate(shapes) if shape.holds(place)]
    for number, shape in enumerate(shapes):
        index.remove(shape, number)
    assert not index
    assert not index._levels


def test_a_line_there_and_back_holds_what_lies_on_it_only() -> None:
    """It runs 0.2 mm above the parallel of its ends, so a box of half a millimetre fits below."""
    line = Polygon([(1.0, 0.0), (1.0, 0.006875)])
    index: ShapeIndex[str] = ShapeIndex()
    index.add(line, "line")
    for lat, is_on_it in ((1.0000000018, True), (1.0000000004, False)):
        place = (lat, 0.0034375)
        assert line.holds(place) is is_on_it
        assert index.find(place) == ["line"] * is_on_it


def test_what_was_never_added_cannot_be_removed() -> None:
    index: ShapeIndex[int] = ShapeIndex()
    index.add(Ring((0.0, 0.0), 0.0, 10.0), 1)
    for shape in (Ring((0.0, 0.0), 0.0, 10.1), Ring((50.0, 0.0), 0.0, 10.0), Box(1e-5, 0.0, 0.0, 1e-5)):
        with pytest.raises(KeyError):
            index.remove(shape, 1)


@pytest.mark.parametrize(
    ("place", "is_inside"),
    [
        ((5.0, 170.0), True),
        ((5.0, -170.0), True),
        ((5.0, -180.0), True),
        ((10.0, 175.0), True),
        ((5.0, 169.9), False),
        ((5.0, -169.9), False),
        ((5.0, 0.0), False),
        ((10.1, 175.0), False),
    ],
)
def test_a_box_goes_across_the_date_line(place: tuple[float, float], is_inside: bool) -> None:
    box = Box(10.0, 170.0, 0.0, 190.0)
    assert box.holds(place) is is_inside
    index: ShapeIndex[str] = ShapeIndex()
    index.add(box, "box")
    assert index.find(place) == ["box"] * is_inside


def test_distances_are_those_on_the_ellipsoid() -> None:
    """A degree of the equator, a degree of a meridian there and at a pole, and a quarter of the world."""
    assert distance_m((0, 0), (0, 1)) == pytest.approx(111319.49, abs=1)
    assert distance_m((0, 0), (1, 0)) == pytest.approx(110574.39, abs=1.5)
    assert distance_m((89, 0), (90, 0)) == pytest.approx(111693.86, abs=1.5)
    assert distance_m((0, 0), (90, 0)) == pytest.approx(10001965.7, rel=1e-4)
    assert distance_m((0, 0), (0, 180)) > 20_000_000
    assert distance_m((12.5, 30.0), (12.5, 30.0)) == 0


def test_the_radii_of_a_ring_are_inside_and_beyond_is_not() -> None:
    ring = Ring((0.0, 0.0), 100_000.0, 111_319.6)
    assert ring.holds((0.0, 1.0))
    assert not ring.holds((0.0, 1.0001))
    assert not ring.holds((0.0, 0.5))
    assert Ring((0.0, 0.0), 0.0, 0.0).holds((0.0, 0.0))


def test_edges_of_a_polygon_bulge_towards_the_pole() -> None:
    """An edge of 10 degrees along the 10th parallel runs 0.037 degrees to the north in its middle."""
    polygon = Polygon([(0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 0.0)])
    assert polygon.holds((10.036, 5.0))
    assert not polygon.holds((10.039, 5.0))


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 5.0), (5.0, 10.0), (0.0, 0.0), (10.0, 10.0), (7.0, 0.0)])
def test_the_border_of_a_polygon_is_inside(lat: float, lon: float) -> None:
    assert Polygon([(0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 0.0)]).holds((lat, lon))


def test_an_inner_loop_run_backwards_is_a_hole() -> None:
    outer = [(0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 0.0), (0.0, 0.0)]
    inner = [(3.0, 3.0), (3.0, 6.0), (6.0, 6.0), (6.0, 3.0), (3.0, 3.0)]
    assert not Polygon([*outer, *reversed(inner)]).holds((5.0, 5.0))
    assert Polygon([*outer, *inner]).holds((5.0, 5.0))


def test_a_polygon_goes_over_the_date_line_and_around_a_pole() -> None:
    assert Polygon([(0.0, 170.0), (0.0, -170.0), (10.0, -170.0), (10.0, 170.0)]).holds((5.0, -180.0))
    cap = Polygon([(70.0, 0.0), (70.0, 90.0), (70.0, -180.0), (70.0, -90.0)])
    assert cap.holds((89.0, 45.0))
    assert not cap.holds((60.0, 45.0))
    assert cap.bounds().top == 90


PARTS = st.one_of(st.floats(0, 1), st.sampled_from((0.0, 1.0)))


@settings(max_examples=600, deadline=None)
@given(PLACES, SIZES, _TURNS, st.integers(0, STRIPS - 1), PARTS, PARTS)
def test_what_the_strips_of_a_polygon_are_sure_of_is_so(
    place: tuple[float, float], size: float, turns: list[tuple[float, float]], strip: int, up: float, aside: float
) -> None:
    polygon = Polygon(_near(place, size, turns))
    around = polygon.bounds()
    height = (around.top - around.bottom) / STRIPS
    lat = around.bottom + height * (strip + up)
    start = strip * NUMBERS_A_STRIP
    inner_west, inner_east, west, east = polygon.strips[start : start + NUMBERS_A_STRIP]
    if inner_west <= inner_east:
        assert polygon.holds((lat, inner_west * aside + inner_east * (1 - aside)))
    lon = around.left * aside + around.right * (1 - aside)
    if not west <= lon <= east:
        assert not polygon.holds((lat, lon))


def test_strips_judge_nearly_all_places_around_a_plain_polygon() -> None:
    hexagon = Polygon([(0.0, -10.0), (5.0, -5.0), (5.0, 5.0), (0.0, 10.0), (-5.0, 5.0), (-5.0, -5.0)])
    for across in (hexagon, Polygon([(lat, (lon + 360) % 360 - 180) for lat, lon in hexagon.points])):
        strips = iter(across.strips[: NUMBERS_A_STRIP * STRIPS])
        unsure = sum(
            (east - west) - max(0.0, inner_east - inner_west)
            for inner_west, inner_east, west, east in zip(strips, strips, strips, strips, strict=True)
        )
        assert unsure < 0.25 * 20 * STRIPS


def test_a_polygon_around_nearly_the_whole_globe_is_found_on_both_sides_of_the_date_line() -> None:
    """Its two pieces share a cell of the grid."""
    north = [(70.0, -45.0), (75.0, 95.0), (75.0, -155.0), (70.0, -60.0), (-75.0, -60.0), (-75.0, -155.0)]
    bay = Polygon([*north, (60.0, -175.0), (60.0, 95.0), (-75.0, 85.0), (-75.0, -45.0)])
    index: ShapeIndex[str] = ShapeIndex()
    index.add(bay, "bay")
    places = [(lat, lon) for lat in range(-70, 75, 10) for lon in range(-180, 180, 5)]
    assert [place for place in places if index.find(place) != ["bay"] * bay.holds(place)] == []
    assert sum(bay.holds(place) for place in places) > 100
    index.remove(bay, "bay")
    assert not index
