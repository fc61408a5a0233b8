"""The corpus of bad inputs: what a stranger may have put into a database, numbered as in the project's list of 88.

Numbers 1 to 19 are keys that are given to isfdb, 75 to 87 need more than a folder: both have tests of their own.
"""

from __future__ import annotations

from tests.hostile.corpus import folders, pickled, shown, specs, texts
from tests.hostile.corpus._items import ITEMS, VALUE, Item, Place

__all__ = ["ITEMS", "VALUE", "Item", "Place", "folders", "pickled", "shown", "specs", "texts"]
