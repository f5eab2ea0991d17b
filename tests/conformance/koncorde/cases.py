"""Random filters and documents of every keyword and form, from a seed.

Fields, words and numbers are few, so that filters and documents meet often. Places lie on a grid of whole
degrees, and no border of a shape comes near one: what lies exactly on a border is tested elsewhere.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

FIELDS = ("name", "age", "flag", "tags", "owner.name", "owner.age", "place", "a.b.c", "_id")
WORDS = ("", "ann", "Ann", "bob", "carl", "1", "ann\nbob", "été", "a.b", "xyzzy")
NUMBERS = (0, 1, -1, 2.5, 3, 10, 1000000)
PATTERNS = (
    *("an", "^a", "b$", "a|b", "[a-c]+l", "x.z+y", "\\d", "", "é", "n{2}", "(an){1,2}", "(?i)ANN", "\\w+", "a\\.b"),
    *("nn.b", "^bob$", "\\u0061nn", "(?:ca)?rl", "[^a]nn", "xyz", "\\bann\\b", "zz|rl", "{,2}", "(?<n>a)n", "car*l"),
)
PLACES = [[lat, lon] for lat in (-20, 0, 30, 60) for lon in (-179, -60, 0, 45, 179)]


class Cases:
    """Draws filters and documents."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._clauses: tuple[Callable[[], dict[str, Any]], ...] = (
            *(self._equals,) * 3,
            *(self._exists,) * 2,
            *(self._range,) * 2,
            *(self._regexp,) * 2,
            *(self._shape,) * 3,
            self._words,
            self._nothing,
            self._match,
            self._select,
        )

    def filters(self) -> Any:
        """Draw a filter."""
        return self._filter(self._dice.choice((0, 1, 1, 2, 3)))

    def document(self) -> dict[str, Any]:
        """Draw a document."""
        dice = self._dice
        document = {name: self._value() for name in ("name", "age", "flag", "a.b.c") if dice.random() < 0.7}
        document["name"] = self._chosen(WORDS) if dice.random() < 0.6 else self._value()
        if dice.random() < 0.7:
            document["owner"] = {"name": self._chosen(WORDS), "age": self._chosen(NUMBERS), "": self._value()}
        if dice.random() < 0.5:
            document["tags"] = [self._scalar() for _ in range(dice.randrange(4))]
        if dice.random() < 0.3:
            document["a"] = {"b": {"c": self._value()}}
        if dice.random() < 0.8:
            document["place"] = self._point(self._chosen(PLACES)) if dice.random() < 0.8 else self._value()
        if dice.random() < 0.8:
            document["_id"] = self._chosen(WORDS)
        return document

    def _filter(self, depth: int) -> dict[str, Any]:
        if not depth:
            return self._chosen(self._clauses)()
        keyword = self._chosen(("and", "or", "and", "or", "not", "bool"))
        if keyword == "not":
            return {"not": self._filter(depth - 1)}
        if keyword == "bool":
            names = self._dice.sample(("must", "must_not", "should", "should_not"), self._dice.randint(1, 3))
            return {"bool": {name: self._filters(depth) for name in names}}
        return {keyword: self._filters(depth)}

    def _filters(self, depth: int) -> list[dict[str, Any]]:
        return [self._filter(self._dice.randrange(depth)) for _ in range(self._dice.randint(1, 3))]

    # --- clauses

    def _equals(self) -> dict[str, Any]:
        return {"equals": {self._chosen(FIELDS): self._scalar()}}

    def _exists(self) -> dict[str, Any]:
        path = self._chosen(FIELDS)
        if self._dice.random() < 0.4:
            path = f"{path}[{json.dumps(self._scalar())}]"
        keyword = self._chosen(("exists", "missing"))
        return {keyword: path if self._dice.random() < 0.7 else {"field": path}}

    def _words(self) -> dict[str, Any]:
        words = self._dice.choices(WORDS, k=self._dice.randint(1, 3))
        return {"in": {self._chosen(FIELDS): words}} if self._dice.random() < 0.6 else {"ids": {"values": words}}

    def _range(self) -> dict[str, Any]:
        low, high = sorted(self._dice.sample(NUMBERS, 2))
        bounds = {self._chosen(("gt", "gte")): low, self._chosen(("lt", "lte")): high}
        if self._dice.random() < 0.4:
            bounds.pop(self._chosen(tuple(bounds)))
        return {"range": {self._chosen(("age", "owner.age", "a.b.c")): bounds}}

    def _regexp(self) -> dict[str, Any]:
        pattern = self._chosen(PATTERNS)
        given: Any = pattern
        if self._dice.random() < 0.4:
            given = {"value": pattern, "flags": self._chosen(("", "i", "m", "ms", "im"))}
        return {"regexp": {self._chosen(("name", "owner.name", "_id", "tags")): given}}

    def _shape(self) -> dict[str, Any]:
        lat, lon = self._chosen(PLACES)
        kind = self._dice.randrange(4)
        if kind == 0:
            return {
                "geoDistance": {"place": self._point([lat, lon]), "distance": self._distance(self._chosen((9, 700)))}
            }
        if kind == 1:
            inner, outer = self._chosen(((0, 50), (1, 900), (70, 3000)))
            body = {"place": self._point([lat, lon]), "from": self._distance(inner), "to": self._distance(outer)}
            return {"geoDistanceRange": body}
        reach = self._chosen((0.5, 3.5, 31.5))
        if kind == 2:
            sides = {"top": lat + reach, "left": lon - reach, "bottom": lat - reach, "right": lon + reach}
            if self._dice.random() < 0.5:
                return {"geoBoundingBox": {"place": sides}}
            corners = {"topLeft": f"{sides['top']},{sides['left']}", "bottom_right": [sides["bottom"], sides["right"]]}
            return {"geoBoundingBox": {"place": corners}}
        turns = ((reach, 0.3), (0.2, reach), (-reach, 0.1), (-0.3, -reach))
        points = [self._point([lat + up, lon + aside]) for up, aside in turns if abs(lat + up) < 85]
        return {"geoPolygon": {"place": {"points": points if len(points) > 2 else [[1, 1], [1, 2], [2, 2]]}}}

    def _nothing(self) -> dict[str, Any]:
        return {"nothing": self._scalar()}

    def _match(self) -> dict[str, Any]:
        dice = self._dice
        if dice.random() < 0.3:
            return {"match": {"tags": dice.choices(WORDS[:3] + NUMBERS[:2], k=dice.randint(0, 2))}}
        if dice.random() < 0.5:
            return {"match": {"owner": {"name": self._chosen(WORDS)}, "flag": self._scalar()}}
        return {"match": {self._chosen(FIELDS): self._chosen((self._value(), {"name": self._scalar()}, {}, []))}}

    def _select(self) -> dict[str, Any]:
        dice = self._dice
        clause = self._chosen(({"equals": {"value": self._scalar()}}, {"exists": "value"}, {"missing": "other"}))
        query = clause if dice.random() < 0.7 else {"or": [clause, {"regexp": {"value": self._chosen(PATTERNS)}}]}
        return {"select": {"field": self._chosen(("tags", "name")), "index": dice.randint(-2, 2), "query": query}}

    # --- values

    def _chosen(self, values: Any) -> Any:
        return values[self._dice.randrange(len(values))]

    def _scalar(self) -> Any:
        return self._chosen((self._chosen(WORDS), self._chosen(NUMBERS), True, False, None))

    def _value(self) -> Any:
        kind = self._dice.randrange(8)
        if kind == 0:
            return [self._scalar() for _ in range(self._dice.randrange(3))]
        return {"name": self._scalar()} if kind == 1 else self._scalar()

    def _point(self, place: list[float]) -> Any:
        lat, lon = place
        form = self._dice.randrange(6)
        if form == 0:
            return {"lat": lat, "lon": lon}
        if form == 1:
            return f"{lat}, {lon}"
        if form == 2:
            return {"latLon": [lat, lon]}
        if form == 3:
            return {"lat_lon": {"lat": str(lat), "lon": f"{lon}x"}}
        return [lat, lon] if form == 4 else [str(lat), lon]

    def _distance(self, kilometres: float) -> str:
        forms = (f"{kilometres}km", f"{kilometres} 000 m", f"{kilometres},0 Kilometers", f"{kilometres * 1000} meters")
        return str(self._chosen(forms))
