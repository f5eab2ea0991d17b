"""Inserts so many JSON documents a transaction, for so many seconds: `sqlite_insert.py FILE SECONDS DOCUMENTS`.

Prints the number of inserts and the CPU seconds, as JSON. Durable like the server: every commit is on the disk.
"""

import json
import resource
import sys
import time
import uuid

import apsw

database = apsw.Connection(sys.argv[1])
database.execute("PRAGMA journal_mode=WAL")
database.execute("PRAGMA synchronous=FULL")
database.execute("CREATE TABLE documents (rid INTEGER PRIMARY KEY, id TEXT UNIQUE, version INTEGER, body BLOB) STRICT")


def cpu_seconds() -> float:
    """CPU time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


body = json.dumps({"title": "The Art of Computer Programming", "year": 1968, "isRead": False}).encode()
documents = int(sys.argv[3])
count, cpu, end = 0, cpu_seconds(), time.perf_counter() + float(sys.argv[2])
while time.perf_counter() < end:
    with database:
        for _ in range(documents):
            database.execute("INSERT INTO documents (id, version, body) VALUES (?, 1, ?)", (str(uuid.uuid4()), body))
    count += documents
sys.stdout.write(json.dumps({"count": count, "cpuSeconds": cpu_seconds() - cpu}))
