"""Shipped for authors of plug-ins: contracts of loaderdumpers and storages, faults below them, exact comparison, generated values."""

from __future__ import annotations

from isfdb.identical import assert_identical
from isfdb.testing.fault_checks import check_faults
from isfdb.testing.loaderdumper_checks import check_loaderdumper
from isfdb.testing.storage_checks import check_storage
from isfdb.testing.storage_databases import check_storage_faults, check_storage_kills

__all__ = ["assert_identical", "check_faults", "check_loaderdumper", "check_storage", "check_storage_faults", "check_storage_kills"]
