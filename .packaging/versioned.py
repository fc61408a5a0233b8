"""The build backend: setuptools, with versioneer's commands and the version it finds. Runs only while isfdb is built.

versioneer expects to be called from a ``setup.py``. This file takes its place, so that the top level needs none:
``pyproject.toml`` names it as backend, as the home of the version and of the commands that write ``isfdb/_version.py``.
"""

from __future__ import annotations

import versioneer
from setuptools.build_meta import (  # noqa: F401 - a backend consists of these functions
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

_commands = versioneer.get_cmdclass()

version = versioneer.get_version()
build_py = _commands["build_py"]


class sdist(_commands["sdist"]):  # type: ignore[misc]  # versioneer makes its classes at run time
    """An archive from which isfdb can be built and tested: setuptools alone would leave out this file, the tests and the docs."""

    def make_distribution(self) -> None:
        for folder in (".packaging", "docs", "notebooks", "tests"):
            self.filelist.graft(folder)
        for rubbish in ("__pycache__", "_build", "generated", ".ipynb_checkpoints"):
            self.filelist.exclude_pattern(rf"(^|/){rubbish}/", is_regex=True)
        super().make_distribution()
