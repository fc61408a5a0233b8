"""What a value was made from and what was made from it: the graph, the walk through it, what is stale, and how it is drawn.

It reads records and never a value. What cannot be reached is a node that says so, not an error.
"""
