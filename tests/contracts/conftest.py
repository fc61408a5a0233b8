"""Settings under which a loaderdumper accepts what it keeps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import isfdb


@pytest.fixture(autouse=True)
def _arrow_is_chosen(request: pytest.FixtureRequest) -> Iterator[None]:
    chosen = "arrow" if "[pandas_to_arrow]" in request.node.name else "parquet"  # otherwise it leaves frames to pandas_to_parquet
    with isfdb.set_options(frame_format=chosen):
        yield
