"""The form in which a family says what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kept:
    """Values a loaderdumper keeps, values it must refuse, and how to compare where another thing comes back."""

    values: Callable[[], list[Any]]
    foreign: Callable[[], list[Any]] = list
    equal: Callable[[Any, Any], Any] | None = None
