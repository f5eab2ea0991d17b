"""Commands that talk to a running server from outside, over its own API.

A client like any other: of the server's modules it imports `encoding` and `schemas` alone. Everything here
waits for the answer before it goes on; there is no loop and no thread.
"""
