"""Finds out what of a value of pyarrow would not come back from Arrow's file format. Reads and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow as pa

#: The one column in which an array lies.
_NAME: Final = "values"


def schema_of(obj: Any, kind: str) -> pa.Schema:
    """Return the schema of the file in which a value of pyarrow lies."""
    import pyarrow

    return pyarrow.schema([(_NAME, obj.type)]) if kind in ("Array", "ChunkedArray") else obj.schema


def complaint_about(obj: Any, kind: str) -> str | None:
    """Say what would not come back; None if all does."""
    import pyarrow

    schema = schema_of(obj, kind)
    if kind in ("Table", "ChunkedArray") and _changes_dictionaries(obj.columns if kind == "Table" else [obj]):
        return "a chunk has a dictionary that Arrow's format would take from the chunk before; call combine_chunks() first"
    if any(is_foreign(field.type) for field in schema):
        return "a type is defined in Python and would come back only where it is registered; take .storage of the column"
    if pyarrow.ipc.read_schema(schema.serialize()).equals(schema, check_metadata=True):
        return None
    return "its schema does not come back from the file as it is; remove metadata whose names begin with ARROW:extension"


def is_foreign(kind: pa.DataType) -> bool:
    """Say whether a type, or one inside it, is an extension type that is not part of Arrow."""
    import pyarrow

    return any(isinstance(one, (pyarrow.ExtensionType, pyarrow.UnknownExtensionType)) for one in _types(kind))


def _types(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Give a type and all that are inside it."""
    import pyarrow

    yield kind
    inner = [kind.field(place).type for place in range(kind.num_fields)]
    if isinstance(kind, pyarrow.BaseExtensionType):
        inner = [kind.storage_type]
    elif isinstance(kind, (pyarrow.DictionaryType, pyarrow.RunEndEncodedType)):
        inner = [kind.value_type]
    for one in inner:
        yield from _types(one)


def _changes_dictionaries(columns: list[pa.ChunkedArray]) -> bool:
    """Say whether a chunk would get another chunk's dictionary: it begins the one before, or the chunk is empty and falls out."""
    import pyarrow

    has_dictionary = [any(isinstance(one, pyarrow.DictionaryType) for one in _types(column.type)) for column in columns]
    if not any(has_dictionary):
        return False
    lengths = [[len(chunk) for chunk in column.chunks] for column in columns]
    is_ragged = any(one != lengths[0] for one in lengths)
    for column in compress(columns, has_dictionary):
        before: list[Any] = []
        for chunk in column.chunks:
            found = list(_dictionaries(chunk))
            if (found and is_ragged and not len(chunk)) or any(_begins(one, last) for one, last in zip(found, before, strict=False)):
                return True
            before = found
    return False


def _begins(one: pa.Array, last: pa.Array) -> bool:
    return len(one) < len(last) and last.slice(0, len(one)).equals(one)


def _dictionaries(array: pa.Array) -> Iterator[pa.Array]:
    """Give the dictionaries of an array, at any depth."""
    import pyarrow

    if isinstance(array, pyarrow.ExtensionArray):
        yield from _dictionaries(array.storage)
    elif isinstance(array, pyarrow.DictionaryArray):
        yield array.dictionary
        yield from _dictionaries(array.dictionary)
    elif isinstance(array, (pyarrow.StructArray, pyarrow.UnionArray)):
        for place in range(array.type.num_fields):
            yield from _dictionaries(array.field(place))
    elif array.type.num_fields:  # lists, maps, run-end encoding
        yield from _dictionaries(array.values)
