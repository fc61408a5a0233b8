"""How Sphinx builds these documents: ``sphinx-build -W docs docs/_build``."""

from __future__ import annotations

import isfdb

project = "isfdb"
author = "isfdb developers"
copyright = "2026, isfdb developers"
version = release = isfdb.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "changes/*"]

html_theme = "furo"
html_title = "isfdb"
html_copy_source = False

autodoc_typehints = "none"  # numpydoc's sections say it in words
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
numpydoc_show_class_members = False  # autodoc lists them already
numpydoc_class_members_toctree = False
