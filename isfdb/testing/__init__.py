"""Shipped for authors of plug-ins: the contract of a loaderdumper, faults below it, exact comparison, generated values."""

from __future__ import annotations

from isfdb.identical import assert_identical
from isfdb.testing.fault_checks import check_faults
from isfdb.testing.loaderdumper_checks import check_loaderdumper

__all__ = ["assert_identical", "check_faults", "check_loaderdumper"]
