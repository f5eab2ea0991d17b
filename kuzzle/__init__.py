"""A Kuzzle-compatible backend on Tornado: data, search and realtime behind one API."""

__version__ = "1.12.0.dev0"
