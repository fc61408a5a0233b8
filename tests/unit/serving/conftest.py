"""A server for each test that asks for one."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.serving.visitors import Visitor, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def serve() -> Iterator[Callable[..., Visitor]]:
    """Return a function that serves databases and returns somebody who has not come in yet."""
    with ExitStack() as stack:

        def begin(*databases: Any, **options: Any) -> Visitor:
            return stack.enter_context(serving(*databases, **options))

        yield begin


@pytest.fixture
def visitor(db, serve) -> Visitor:
    """Somebody who opened the link to the database `db`."""
    return serve(db).come_in()
