"""API generations: how domain values look on the wire."""
