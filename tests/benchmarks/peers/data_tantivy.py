"""What a search library does with the same questions: `data_tantivy.py FOLDER QUESTIONS DOCUMENTS`."""

import json
import sys
from pathlib import Path
from typing import Any

import tantivy
from data_peer import serve

folder, questions_file, documents_file = sys.argv[1:]
PAGE = 20

builder = tantivy.SchemaBuilder()
builder.add_text_field("description", tokenizer_name="default")
for name in ("city", "category"):
    builder.add_text_field(name, tokenizer_name="raw", fast=True)
builder.add_integer_field("price", indexed=True, fast=True)
builder.add_boolean_field("isAvailable", indexed=True)
builder.add_json_field("source", stored=True, tokenizer_name="raw")
index = tantivy.Index(builder.build(), path=folder)
writer = index.writer(heap_size=100_000_000, num_threads=1)
with Path(documents_file).open() as lines:
    for line in lines:
        source = json.loads(line)
        document = tantivy.Document()
        document.add_text("description", source["description"])
        document.add_text("city", source["city"])
        document.add_text("category", source["category"])
        document.add_integer("price", source["price"])
        document.add_boolean("isAvailable", source["isAvailable"])
        document.add_json("source", {"title": source["title"], "code": source["code"], "rating": source["rating"]})
        writer.add_document(document)
writer.commit()
writer.wait_merging_threads()
index.reload()
searcher = index.searcher()


def page(query: str) -> bytes:
    """Find a page and the number of all matches."""
    found = searcher.search(index.parse_query(query, ["description"]), PAGE)
    hits = [searcher.doc(address).to_dict() for _, address in found.hits]
    return json.dumps([hits, found.count], default=str).encode()


def terms(query: str) -> bytes:
    """Count by value."""
    wanted = {"cities": {"terms": {"field": "city", "size": 200}}}
    parsed = tantivy.Query.all_query() if query == "*" else index.parse_query(query, ["description"])
    found: Any = searcher.aggregate(parsed, wanted)
    return json.dumps(found).encode()


serve(
    {
        "page": lambda asked: page(
            f"+city:{asked['city']} +price:[{asked['low']} TO {asked['high'] - 1}] +isAvailable:true"
        ),
        "wide_page": lambda asked: page(
            f"+category:{asked['category']} +price:[{asked['low']} TO {asked['near'] - 1}]"
        ),
        "text": lambda _: page("description:harbour"),
        "text_common": lambda _: page("description:the"),
        "phrase": lambda _: page('description:"harbour the"~2'),
        "terms": lambda _: terms("*"),
        "terms_part": lambda asked: terms(f"category:{asked['category']}"),
    },
    json.loads(Path(questions_file).read_text()),
)
