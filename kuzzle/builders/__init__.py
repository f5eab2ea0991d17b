"""Builds parts of the server as the configuration wants them; `kuzzle/app.py` puts them together."""
