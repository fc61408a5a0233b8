"""Widgets of a notebook: a browser of a database, and what each of its tabs shows. Nothing here is needed to read or store a value."""
