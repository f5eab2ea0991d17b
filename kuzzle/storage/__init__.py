"""Documents, their collections and indexes, and the search over them."""
