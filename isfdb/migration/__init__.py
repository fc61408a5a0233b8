"""Brings data of other formats into format 1."""

from __future__ import annotations

from isfdb.migration.imported import Imported, ImportedKey
from isfdb.migration.isf_import import import_isf

__all__ = ["Imported", "ImportedKey", "import_isf"]
