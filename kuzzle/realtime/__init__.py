"""Subscriptions, the filters that select documents, and the notifications they cause."""
