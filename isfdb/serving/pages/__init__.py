"""One page a module: each has `show(visit)`, which returns what is sent."""
