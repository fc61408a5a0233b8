"""Shipped for authors of plug-ins: the contract of a loaderdumper, exact comparison, generated values. Needed by nothing at run time."""

from __future__ import annotations

from isfdb.identical import assert_identical
from isfdb.testing.loaderdumper_checks import check_loaderdumper

__all__ = ["assert_identical", "check_loaderdumper"]
