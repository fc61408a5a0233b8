"""``isfdb.audit``: verifies a whole database, asks of every value whether it is explained, makes it again, and says all that at once."""
