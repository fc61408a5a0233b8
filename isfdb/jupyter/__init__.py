"""``%load_ext isfdb``: parse, call the library, show."""
