"""Clients for the API: what is fixed is source beside this file, what depends on the server is written here.

`api.py` reads the descriptions of a server into actions, `shapes.py` their JSON Schemas into shapes that no
language owns; `python_client.py` and `typescript_client.py` word them, and copy what is in `python/` and
`typescript/`.
"""
