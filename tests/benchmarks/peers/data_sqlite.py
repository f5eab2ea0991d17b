"""The limit: the statements that one would write by hand, on tables like the store's.

    data_sqlite.py STORE SCRATCH_FOLDER QUESTIONS DOCUMENTS

Reads go to the file of the running server, writes to tables of the same form in a file of its own, durable like
the server's. The rows of the index are made before the time is taken. Answers are made into JSON and thrown away.
"""

import itertools
import json
import math
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import orjson
from data_peer import serve

store, scratch, questions_file, documents_file = sys.argv[1:]
questions: list[dict[str, Any]] = json.loads(Path(questions_file).read_text())
reader = apsw.Connection(store, flags=apsw.SQLITE_OPEN_READWRITE)
reader.execute("PRAGMA query_only = ON")
((collection, names),) = reader.execute("SELECT number, field_numbers FROM collections WHERE name = 'books'")
field: dict[str, int] = json.loads(names)
DOCUMENTS, VALUES, OF = f"documents_{collection}", f"values_{collection}", f"values_{collection}_of"
PAGE = 20
# A document in the trash is no hit.
LIVE = f"NOT EXISTS (SELECT 1 FROM {VALUES} WHERE field = {field['_kuzzle_info.active']} AND value = 0 AND rid = v.rid)"


def having(name: str, condition: str) -> str:
    """Rows of a field, and behind it more conditions."""
    return f"FROM {VALUES} AS v WHERE v.field = {field[name]} AND {condition}"


def between(name: str) -> str:
    """The document of a row has a value in an interval."""
    return (
        f"EXISTS (SELECT 1 FROM {VALUES} INDEXED BY {OF} "
        f"WHERE rid = v.rid AND field = {field[name]} AND value >= :low AND value < :high)"
    )


def equal(name: str) -> str:
    """The document of a row has a value."""
    return f"EXISTS (SELECT 1 FROM {VALUES} WHERE field = {field[name]} AND value = :{name} AND rid = v.rid)"


def answer(rids: list[int], total: int) -> bytes:
    """Read the documents of a page and word it."""
    hits = []
    for rid in rids:
        ((document_id, body),) = reader.execute(f"SELECT id, body FROM {DOCUMENTS} WHERE rid = ?", (rid,))
        hits.append({"_id": document_id, "_source": orjson.loads(body)})
    return orjson.dumps({"hits": hits, "total": total})


def page(rows: str, values: dict[str, Any], order: str = "ORDER BY v.rid") -> bytes:
    """Find a page and the number of all matches."""
    rids = [rid for (rid,) in reader.execute(f"SELECT v.rid {rows} {order} LIMIT {PAGE}", values)]
    ((total,),) = reader.execute(f"SELECT count(*) {rows}", values)
    return answer(rids, total)


def get(asked: dict[str, Any]) -> bytes:
    """Read one document."""
    ((version, body),) = reader.execute(f"SELECT version, body FROM {DOCUMENTS} WHERE id = ?", (asked["id"],))
    return orjson.dumps({"_version": version, "_source": orjson.loads(body)})


def filtered_page(asked: dict[str, Any]) -> bytes:
    """The city is the rarest: the others are looked up for its documents."""
    rows = having("city", f"v.value = :city AND {between('price')} AND {equal('isAvailable')} AND {LIVE}")
    return page(rows, {"city": asked["city"], "low": asked["low"], "high": asked["high"], "isAvailable": 1})


def wide_page(asked: dict[str, Any]) -> bytes:
    """Two conditions that a tenth of the documents keep, each."""
    rows = having("category", f"v.value = :category AND {between('price')} AND {LIVE}")
    return page(rows, {"category": asked["category"], "low": asked["low"], "high": asked["near"]})


def text(word: str) -> bytes:
    """BM25 over the rows of a word, whose weights hold frequency and length."""
    ((texts, words),) = reader.execute(
        f"SELECT texts, words FROM lengths_{collection} WHERE field = ?", (field["description"],)
    )
    rows = having("description", f"v.value = :word AND {LIVE}")
    ((total,),) = reader.execute(f"SELECT count(*) {rows}", {"word": word})
    rarity = math.log(1 + (texts - total + 0.5) / (total + 0.5))
    frequency = f"(v.weight & {(1 << 20) - 1})"
    score = f"{frequency} * {2.2 * rarity} / ({frequency} + 0.3 + {0.9 * texts / words} * (v.weight >> 20))"
    statement = f"SELECT v.rid, {score} AS score {rows} ORDER BY score DESC, v.rid LIMIT {PAGE}"
    return answer([rid for rid, _ in reader.execute(statement, {"word": word})], total)


def in_order(asked: dict[str, Any]) -> bytes:
    """Walk the index."""
    rids = [
        rid for (rid,) in reader.execute(f"SELECT v.rid {having('price', LIVE)} ORDER BY v.value, v.rid LIMIT {PAGE}")
    ]
    ((total,),) = reader.execute(f"SELECT count(*) FROM {DOCUMENTS}")
    return answer(rids, total)


def part_in_order(asked: dict[str, Any]) -> bytes:
    """Walk the index until twenty of a tenth are met."""
    rows = having("price", f"{equal('category')} AND {LIVE} ORDER BY v.value, v.rid LIMIT {PAGE}")
    rids = [rid for (rid,) in reader.execute(f"SELECT v.rid {rows}", {"category": asked["category"]})]
    total = reader.execute(f"SELECT count(*) {having('category', f'v.value = ? AND {LIVE}')}", (asked["category"],)).get
    return answer(rids, total)


def terms(asked: dict[str, Any]) -> bytes:
    """Count along the index."""
    rows = having("city", LIVE)
    buckets = reader.execute(f"SELECT v.value, count(*) AS docs {rows} GROUP BY v.value ORDER BY docs DESC").fetchall()
    return orjson.dumps(buckets)


def part_terms(asked: dict[str, Any]) -> bytes:
    """Read the city of each document of a tenth."""
    rows = (
        f"FROM {VALUES} AS v CROSS JOIN {VALUES} AS c INDEXED BY {OF} ON c.rid = v.rid AND c.field = {field['city']} "
        f"WHERE v.field = {field['category']} AND v.value = ? AND {LIVE}"
    )
    statement = f"SELECT c.value, count(*) AS docs {rows} GROUP BY c.value ORDER BY docs DESC"
    return orjson.dumps(reader.execute(statement, (asked["category"],)).fetchall())


# --- writes

Rows = list[tuple[int, Any, int, int | bytes | None]]


def index_rows(document: dict[str, Any]) -> Rows:
    """The rows that the store keeps of a document."""
    rows: Rows = []
    for name, value in document.items():
        if name in ("title", "description"):
            words = value.split()
            for word, count in Counter(words).items():
                at = [place for place, each in enumerate(words) if each == word]
                rows.append((field[name], word, len(words) << 20 | count, at[0] if count == 1 else bytes(at)))
        else:
            rows += [(field[name], each, 0, None) for each in (value if isinstance(value, list) else [value])]
    now = 1_700_000_000_000
    return [*rows, (11, 1, 0, None), (12, "-1", 0, None), (13, now, 0, None)]


def prepared() -> Iterator[tuple[str, Rows]]:
    """Documents with their rows, again and again."""
    with Path(documents_file).open() as lines:
        texts = [line for _, line in zip(range(5_000), lines, strict=False)]
    return itertools.cycle([(line, index_rows(json.loads(line))) for line in texts])


writer = apsw.Connection(str(Path(scratch, "by-hand.db")))
writer.execute("PRAGMA journal_mode=WAL")
writer.execute("PRAGMA synchronous=FULL")
writer.execute("""
CREATE TABLE documents (rid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER, body BLOB) STRICT;
CREATE TABLE "values"
(field INTEGER, value ANY, rid INTEGER, weight INTEGER, places ANY, PRIMARY KEY (field, value, rid))
STRICT, WITHOUT ROWID;
CREATE INDEX values_of ON "values" (rid, field);
""")
fresh = prepared()


def insert(count: int) -> None:
    """Store so many documents in one transaction."""
    with writer:
        for line, rows in itertools.islice(fresh, count):
            writer.execute(
                "INSERT INTO documents (id, version, body) VALUES (?, 1, ?)", (str(uuid.uuid4()), line.encode())
            )
            rid = writer.last_insert_rowid()
            of_document = [(number, value, rid, weight, places) for number, value, weight, places in rows]
            writer.executemany('INSERT OR IGNORE INTO "values" VALUES (?,?,?,?,?)', of_document)


serve(
    {
        "get": get,
        "page": filtered_page,
        "wide_page": wide_page,
        "text": lambda _: text("harbour"),
        "text_common": lambda _: text("the"),
        "sorted": in_order,
        "sorted_part": part_in_order,
        "terms": terms,
        "terms_part": part_terms,
        "create_1": lambda _: insert(1),
        "create_16": lambda _: insert(16),
        "create_64": lambda _: insert(64),
        "mCreate": lambda _: insert(200),
        "import": lambda _: insert(2_000),
    },
    questions,
)
