"""Ways to log in: what a strategy is, those that are registered, and `local`, which comes with the server."""
