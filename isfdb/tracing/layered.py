"""Where the boxes of a drawing lie: in columns, causes left of what came of them, few crossings, level arrows. It knows only sizes.

The way of Sugiyama: give each box a column, let long arrows pass through columns between, order each column by the middle of its
neighbours, then move boxes as near to their neighbours as the order allows. A few hundred boxes take some ten milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SWEEPS: Final = 6
_GAP_X: Final = 36.0
_GAP_Y: Final = 12.0
_LONGEST_ROUTED: Final = 30  # columns; a longer arrow goes straight


@dataclass(frozen=True)
class Placed:
    """Where everything lies.

    Attributes
    ----------
    boxes : list of (float, float)
        Left edge and vertical middle of each box.
    routes : list of list of (float, float)
        For each arrow, the points it passes between its two boxes.
    width, height : float
    """

    boxes: list[tuple[float, float]]
    routes: list[list[tuple[float, float]]]
    width: float
    height: float


def place(sizes: Sequence[tuple[float, float]], arrows: Sequence[tuple[int, int]]) -> Placed:
    """Lay out boxes.

    Parameters
    ----------
    sizes : sequence of (float, float)
        Width and height of each box.
    arrows : sequence of (int, int)
        From one box to another, by their numbers.
    """
    columns = _columns(len(sizes), arrows)
    grid = _Grid(sizes, arrows, columns)
    grid.order()
    grid.settle()
    return grid.placed()


def _columns(count: int, arrows: Sequence[tuple[int, int]]) -> list[int]:
    """Return each box's column: right of all its causes; a box without causes just left of its first effect."""
    effects: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for before, after in arrows:
        effects[before].append(after)
        missing[after] += 1
    column, done = [0] * count, [False] * count
    ready = [number for number in range(count) if not missing[number]]
    sources = list(ready)
    left = count
    while left:
        if not ready:  # a circle, as counted groups and forged records make them: begin with what was found last
            ready = [next(number for number in reversed(range(count)) if not done[number])]
        number = ready.pop()
        done[number] = True
        left -= 1
        for after in effects[number]:
            if not done[after]:
                column[after] = max(column[after], column[number] + 1)
                missing[after] -= 1
                if not missing[after]:
                    ready.append(after)
    for number in sources:
        if effects[number]:
            column[number] = max(0, min(column[after] for after in effects[number]) - 1)
    return column


class _Grid:
    """Boxes and the bends of long arrows, column by column."""

    def __init__(self, sizes: Sequence[tuple[float, float]], arrows: Sequence[tuple[int, int]], columns: list[int]) -> None:
        self._widths = [width for width, _ in sizes]
        self._heights = [height for _, height in sizes]
        self._column = list(columns)
        self._n_boxes = len(sizes)
        self._bends: list[list[int]] = []
        self._sides: tuple[list[list[int]], list[list[int]]] = ([[] for _ in sizes], [[] for _ in sizes])
        for before, after in arrows:
            self._bends.append(self._route(before, after))
        self._cells: list[list[int]] = [[] for _ in range(max(self._column, default=0) + 1)]
        for number, column in enumerate(self._column):
            self._cells[column].append(number)
        self._y = [0.0] * len(self._column)

    def _route(self, before: int, after: int) -> list[int]:
        """Add the bends of an arrow, one in each column it passes, and note who neighbours whom."""
        first, last = self._column[before], self._column[after]
        bends = []
        if 1 < last - first <= _LONGEST_ROUTED:
            for column in range(first + 1, last):
                bends.append(len(self._column))
                self._column.append(column)
                self._widths.append(0.0)
                self._heights.append(2.0)
                self._sides[0].append([])
                self._sides[1].append([])
        chain = [before, *bends, after]
        for left, right in pairwise(chain):
            self._sides[0][right].append(left)
            self._sides[1][left].append(right)
        return bends

    def order(self) -> None:
        """Order the columns so that few arrows cross: each box at the middle of its neighbours, left to right and back."""
        rank = [0.0] * len(self._column)
        for cells in self._cells:
            for position, number in enumerate(cells):
                rank[number] = position
        for sweep in range(_SWEEPS):
            side = sweep % 2
            for cells in self._cells if side == 0 else reversed(self._cells):
                middles = {number: _mean([rank[other] for other in self._sides[side][number]], rank[number]) for number in cells}
                cells.sort(key=middles.__getitem__)
                for position, number in enumerate(cells):
                    rank[number] = position

    def settle(self) -> None:
        """Move boxes up and down, in their order, to where their neighbours are."""
        for cells in self._cells:
            self._put(cells, [0.0] * len(cells))
        for sweep in range(_SWEEPS):
            side = sweep % 2
            for cells in self._cells if side == 0 else reversed(self._cells):
                self._put(cells, [_mean([self._y[other] for other in self._sides[side][number]], self._y[number]) for number in cells])
        for cells in self._cells:
            both = [[*self._sides[0][number], *self._sides[1][number]] for number in cells]
            self._put(cells, [_mean([self._y[other] for other in near], self._y[number]) for near, number in zip(both, cells, strict=True)])

    def _put(self, cells: list[int], wanted: list[float]) -> None:
        """Give a column the heights nearest to those wanted that leave its order and its gaps: pooling neighbours that would collide."""
        offsets, offset = [], 0.0
        for above, number in zip([None, *cells], cells, strict=False):
            if above is not None:
                offset += (self._heights[above] + self._heights[number]) / 2 + _GAP_Y
            offsets.append(offset)
        pools: list[tuple[float, int]] = []  # sum and number of what is pooled
        for want, shift in zip(wanted, offsets, strict=True):
            pools.append((want - shift, 1))
            while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
                (total, count), (more, others) = pools[-2], pools.pop()
                pools[-1] = (total + more, count + others)
        means = [total / count for total, count in pools for _ in range(count)]
        for number, mean, shift in zip(cells, means, offsets, strict=True):
            self._y[number] = mean + shift

    def placed(self) -> Placed:
        """Return where everything lies, from the upper left corner on."""
        lefts, left = [], 0.0
        for cells in self._cells:
            lefts.append(left)
            left += max([self._widths[number] for number in cells], default=0.0) + _GAP_X
        top = min([self._y[number] - self._heights[number] / 2 for number in range(len(self._y))], default=0.0)
        bottom = max([self._y[number] + self._heights[number] / 2 for number in range(len(self._y))], default=0.0)
        boxes = [(lefts[self._column[number]], self._y[number] - top) for number in range(self._n_boxes)]
        wide = [max([self._widths[number] for number in cells], default=0.0) for cells in self._cells]
        routes = []
        for bends in self._bends:
            ends = [((lefts[self._column[bend]], self._y[bend] - top), wide[self._column[bend]]) for bend in bends]
            routes.append([point for (x, y), width in ends for point in ((x, y), (x + width, y))])
        return Placed(boxes, routes, left - _GAP_X if self._cells else 0.0, bottom - top)


def _mean(numbers: list[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
