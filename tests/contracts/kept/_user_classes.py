"""Classes as users write them: whose instances are their fields, and whose are more."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import attrs

T = TypeVar("T")


class Colour(enum.Enum):
    RED = 1
    CRIMSON = 1  # noqa: PIE796 - an alias
    BLUE = ("b", 2.5)
    GREY = None


class Level(enum.IntEnum):
    LOW = 0
    HIGH = 1


class Name(enum.StrEnum):
    SOMA = "soma"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Bits(enum.IntFlag):
    A = 1
    B = 4


class Point(NamedTuple):
    x: Any
    y: Any = 0


Pair = collections.namedtuple("Pair", "left right")  # noqa: PYI024 - as old code writes it


class NamedPair(Pair):
    """With a method and without slots."""

    def swapped(self) -> Any:
        return NamedPair(self.right, self.left)


@dataclasses.dataclass
class Recording:
    name: str
    trace: Any = None
    count: int = dataclasses.field(init=False, default=7)
    later: list[Any] = dataclasses.field(init=False, default_factory=list)
    scale: dataclasses.InitVar[int] = 1
    shared: ClassVar[list[int]] = []

    def __post_init__(self, scale: int) -> None:
        self.later.append(scale)


@dataclasses.dataclass(frozen=True)
class Condition:
    frequency: float
    inner: Any = None

    def __post_init__(self) -> None:
        if self.frequency < 0:
            raise ValueError("negative")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Compact:
    a: Any
    b: Any = ()


@dataclasses.dataclass(slots=True)
class Child(Recording):
    extra: Any = None


@dataclasses.dataclass
class Box(Generic[T]):
    content: T


@attrs.define
class Cell:
    name: str
    _private: Any = None
    area: float = attrs.field(default=1.0, validator=attrs.validators.ge(0))


@attrs.frozen(slots=False)
class Layer:
    depth: Any
    cells: Any = attrs.field(factory=list)


ran: list[str] = []


def _note(name: str) -> Any:
    def method(self: Any, *arguments: Any) -> Any:
        ran.append(name)
        return getattr(object, name)(self, *arguments)

    return method


@dataclasses.dataclass
class Guarded:
    """Notes whatever of its code runs."""

    a: Any

    def __new__(cls, *arguments: Any) -> Any:
        ran.append("__new__")
        return object.__new__(cls)

    def __post_init__(self) -> None:
        ran.append("__post_init__")

    __setattr__ = _note("__setattr__")

    def __getattr__(self, name: str) -> Any:
        ran.append("__getattr__")
        raise AttributeError(name)


class GuardedPair(collections.namedtuple("GuardedPair", "left right", defaults=[2])):  # noqa: PYI024
    __slots__ = ()

    def __new__(cls, left: Any, right: Any = 2) -> Any:
        ran.append("__new__")
        return super().__new__(cls, left, right)


# Not kept by their fields: to pickle ---------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Remembers:
    a: int

    @functools.cached_property
    def twice(self) -> int:
        return 2 * self.a


@dataclasses.dataclass
class HasState:
    a: int

    def __getstate__(self) -> dict[str, Any]:
        return {"a": self.a}


@dataclasses.dataclass
class Closes:
    a: int

    def __del__(self) -> None:
        pass


@dataclasses.dataclass
class Failure(Exception):
    a: int


@dataclasses.dataclass(frozen=True)
class OwnHash:
    a: int

    def __hash__(self) -> int:
        return 1


class Plain:
    def __init__(self) -> None:
        self.a = 1
