"""``db.browse()`` and ``isfdb.registry.browse()``: databases in a notebook, made of ipywidgets' own controls. No JavaScript of ours."""
