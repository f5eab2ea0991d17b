"""The part of a Python client that is the same for every server: transports, tokens, subscriptions.

`python_client.py` copies these modules as they are and writes the controllers, types and errors beside them.
They import each other, aiohttp and the standard library only.
"""
