"""What an analytic engine does with the same questions: `data_duckdb.py FOLDER QUESTIONS DOCUMENTS`.

One thread, like everyone else here. Pages come as columns, not as documents.
"""

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
from data_peer import serve

folder, questions_file, documents_file = sys.argv[1:]
database = duckdb.connect(str(Path(folder, "peer.duckdb")), config={"threads": 1})
database.execute(
    f"CREATE TABLE books AS SELECT * FROM read_json_auto('{documents_file}', format = 'newline_delimited')"
)
PAGE = 20


def page(condition: str, values: list[Any], order: str = "") -> bytes:
    """Find a page and the number of all matches."""
    rows = database.execute(f"SELECT * FROM books WHERE {condition} {order} LIMIT {PAGE}", values).fetchall()
    total = database.execute(f"SELECT count(*) FROM books WHERE {condition}", values).fetchall()
    return json.dumps([rows, total], default=str).encode()


def terms(condition: str, values: list[Any]) -> bytes:
    """Count by value."""
    statement = f"SELECT city, count(*) AS docs FROM books WHERE {condition} GROUP BY city ORDER BY docs DESC"
    return json.dumps(database.execute(statement, values).fetchall()).encode()


serve(
    {
        "page": lambda asked: page(
            "city = ? AND price >= ? AND price < ? AND isAvailable", [asked["city"], asked["low"], asked["high"]]
        ),
        "wide_page": lambda asked: page(
            "category = ? AND price >= ? AND price < ?", [asked["category"], asked["low"], asked["near"]]
        ),
        "sorted": lambda _: page("true", [], "ORDER BY price"),
        "sorted_part": lambda asked: page("category = ?", [asked["category"]], "ORDER BY price"),
        "terms": lambda _: terms("true", []),
        "terms_part": lambda asked: terms("category = ?", [asked["category"]]),
    },
    json.loads(Path(questions_file).read_text()),
)
