"""The command ``isfdb``: parse, call the library, show."""
