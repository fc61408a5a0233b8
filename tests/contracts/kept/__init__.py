"""What each built-in loaderdumper keeps and refuses: one file a family, each with its ``KEPT``."""

from __future__ import annotations

import importlib
import pkgutil

from tests.contracts.kept._kept import Kept

KEPT: dict[str, Kept] = {}
for _family in pkgutil.iter_modules(__path__):
    if not _family.name.startswith("_"):
        KEPT |= importlib.import_module(f"{__name__}.{_family.name}").KEPT

__all__ = ["KEPT", "Kept"]
