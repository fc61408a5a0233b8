"""Planted examples: small projects whose stored values are replayed after something has changed. What they are is in ``README.md``."""
