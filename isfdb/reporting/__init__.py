"""Pages about a database, for a browser and for paper."""
