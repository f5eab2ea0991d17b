"""Figures for Prometheus: what is counted, and how it is worded. `protocols/metrics.py` serves them."""
