"""Seals: one digest over all that a database holds, for a lab book, and what has become of it since."""
