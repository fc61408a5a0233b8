"""Conditions that are made of others: all of them, one of them, or not. They look at nothing themselves."""

from __future__ import annotations

from dataclasses import dataclass

from isfdb.searching.table import Table
from isfdb.searching.terms import Holds, Term


@dataclass(frozen=True)
class AnyOf:
    """One of several conditions holds."""

    terms: tuple[Term, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns of all of them."""
        return tuple(dict.fromkeys([name for term in self.terms for name in term.columns]))

    @property
    def is_costly(self) -> bool:
        """Say whether one of them is."""
        return any(term.is_costly for term in self.terms)

    def holds(self, table: Table) -> Holds:
        """Try one after the other."""
        tests = [table.test(term) for term in self.terms]
        return lambda row: any(test(row) for test in tests)

    def why(self, table: Table, row: int) -> str:
        """Give the reason of the first that holds."""
        return next(term.why(table, row) for term in self.terms if table.test(term)(row))


@dataclass(frozen=True)
class AllOf(AnyOf):
    """Several conditions hold."""

    def holds(self, table: Table) -> Holds:
        """Try one after the other."""
        tests = [table.test(term) for term in self.terms]
        return lambda row: all(test(row) for test in tests)

    def why(self, table: Table, row: int) -> str:
        """Give all the reasons."""
        return ", ".join(dict.fromkeys([term.why(table, row) for term in self.terms]))


@dataclass(frozen=True)
class Not:
    """A condition does not hold."""

    term: Term
    said: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns that it looks at."""
        return self.term.columns

    @property
    def is_costly(self) -> bool:
        """Say whether it is."""
        return self.term.is_costly

    def holds(self, table: Table) -> Holds:
        """Turn the answer round."""
        test = table.test(self.term)
        return lambda row: not test(row)

    def why(self, table: Table, row: int) -> str:
        """Repeat what was asked."""
        return f"not {self.said}"
