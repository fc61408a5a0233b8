"""Sees that a computed partition is what its dask frame promises: type, columns, index, known categories, divisions. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: The category by which dask says that the categories are not known yet.
_UNKNOWN = "__UNKNOWN_CATEGORIES__"


@dataclass(frozen=True)
class Promise:
    """What a frame's meta and divisions say about each of its partitions.

    Attributes
    ----------
    facts : str
        Type and columns, in words.
    index : str
        Names and dtypes of the index, in words.
    categories : tuple of (int, pandas.Index)
        The known categories of columns, by their place.
    divisions : tuple
        The frame's divisions; empty where they are not known.
    """

    facts: str
    index: str
    categories: tuple[tuple[int, Any], ...]
    divisions: tuple[Any, ...]

    @classmethod
    def of(cls, frame: Any) -> Promise:
        """Return what a dask DataFrame, Series or Index promises."""
        meta = frame._meta
        divisions = tuple(frame.divisions) if frame.known_divisions else ()
        return cls(facts_of(meta), _index_facts(_index_of(meta)), tuple(_known_categories(meta)), divisions)

    def check(self, part: Any, place: int) -> None:
        """Raise ValueError unless a computed partition is what was promised."""
        found = facts_of(part)
        if found != self.facts:
            raise ValueError(
                f"partition {place} is {found}, where the frame's meta promises {self.facts}. Pass meta= to the call that made the frame, "
                "or convert with astype"
            )
        index = _index_of(part)
        if len(index) and _index_facts(index) != self.index:
            raise ValueError(
                f"partition {place} has an index of {_index_facts(index)}, where the frame's meta promises {self.index}. "
                "Pass meta= to the call that made the frame"
            )
        self._check_categories(part, place)
        if self.divisions and len(index):
            self._check_divisions(index, place)

    def _check_categories(self, part: Any, place: int) -> None:
        for column, known in self.categories:
            values = part if part.ndim == 1 else part.iloc[:, column]
            found = _categories(values)
            if not found.isin(known).all():
                raise ValueError(
                    f"partition {place} has categories in {values.name!r} that the frame's meta does not know, as "
                    f"{found[~found.isin(known)][0]!r}. Say that they are unknown: frame[name].cat.as_unknown()"
                )

    def _check_divisions(self, index: Any, place: int) -> None:
        low, high = self.divisions[place], self.divisions[place + 1]
        is_last = place == len(self.divisions) - 2
        try:
            first, last, low_rank, high_rank = _ranks(index, low, high)
            holds = bool(low_rank <= first) and bool(last <= high_rank if is_last else last < high_rank)
        except (TypeError, KeyError) as error:
            raise ValueError(
                f"the index of partition {place} cannot be compared with the divisions {low!r} to {high!r} ({error}). {_WRONG}"
            ) from error
        if not holds:
            found = f"holds index values from {_shown(index, first)} to {_shown(index, last)}"
            raise ValueError(f"partition {place} {found}, outside the divisions {low!r} to {high!r}. {_WRONG}")


_WRONG = (
    "With wrong divisions, rows would silently be missing from .loc and joins. Forget them with frame.clear_divisions(), "
    "or find the right ones with frame.reset_index().set_index(...)"
)


def _index_of(value: Any) -> Any:
    return getattr(value, "index", value)


def facts_of(value: Any) -> str:
    """Name the type and the columns with their dtypes, without categories, which may differ between partitions."""
    if type(value).__name__ == "DataFrame":
        columns = ", ".join([f"{label!r}: {_dtype_name(dtype)}" for label, dtype in zip(value.columns, value.dtypes, strict=True)])
        return f"a DataFrame of {columns}"
    kind = "Index" if type(value).__name__.endswith("Index") else type(value).__name__
    return (
        f"{'an' if kind == 'Index' else 'a'} {kind} {getattr(value, 'name', None)!r} of {_dtype_name(getattr(value, 'dtype', type(value)))}"
    )


def _index_facts(index: Any) -> str:
    levels = index.levels if index.nlevels > 1 else [index]
    return ", ".join([f"{name!r}: {_dtype_name(level.dtype)}" for name, level in zip(index.names, levels, strict=True)])


def _dtype_name(dtype: Any) -> str:
    if type(dtype).__name__ == "StringDtype":  # dask itself confuses the kinds of text; each partition keeps its own
        return "text"
    return f"category, ordered={dtype.ordered}" if type(dtype).__name__ == "CategoricalDtype" else repr(dtype)


def _known_categories(meta: Any) -> list[tuple[int, Any]]:
    columns = [(0, meta)] if meta.ndim == 1 else [(place, meta.iloc[:, place]) for place in range(meta.shape[1])]
    found = [(place, _categories(values)) for place, values in columns if type(values.dtype).__name__ == "CategoricalDtype"]
    return [(place, categories) for place, categories in found if _UNKNOWN not in categories]


def _categories(values: Any) -> Any:
    return values.cat.categories if hasattr(values, "cat") else values.categories


def _ranks(index: Any, low: Any, high: Any) -> tuple[Any, Any, Any, Any]:
    """Return least and greatest value of an index and both divisions, as things that can be compared: categories by their order."""
    if hasattr(index, "codes") and hasattr(index, "categories"):
        place = index.categories.get_loc
        codes = index.codes[index.codes >= 0]
        return (codes.min(), codes.max(), place(low), place(high)) if len(codes) else (0, 0, 0, 1)
    if index.is_monotonic_increasing:
        return index[0], index[-1], low, high
    return index.min(), index.max(), low, high


def _shown(index: Any, rank: Any) -> str:
    value = index.categories[rank] if hasattr(index, "categories") else rank
    return repr(value.item() if hasattr(value, "item") else value)
