"""What the Tab key offers: verbs, options, keys, databases. It lists names; it loads no value, writes nothing and never raises."""
