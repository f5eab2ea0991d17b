"""Keys and values of clients, with the commands of Redis: base.py is the contract, one module a backend."""
