"""``isfdb.replay``: makes a stored value again, in a clean process, with its code, packages and inputs, and says what came of it."""
