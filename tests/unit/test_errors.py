"""Errors: the tree, pickling, and words a person can act on."""

from __future__ import annotations

import inspect
import pickle

import pytest

from isfdb import errors

ALL = [thing for _, thing in inspect.getmembers(errors, inspect.isclass) if issubclass(thing, errors.IsfdbError)]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_survives_pickling_with_its_facts(kind):
    error = kind("cannot do 'x': found y. Do z.", key="x", version=3)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (str(back), back.key, back.version) == ("cannot do 'x': found y. Do z.", "x", 3)


@pytest.mark.parametrize("kind", ALL)
def test_every_error_stands_in_the_tree_of_the_docstring(kind):
    assert kind.__name__ in (errors.__doc__ or "")


def test_a_missing_key_is_a_key_error_that_prints_its_message():
    assert issubclass(errors.KeyNotFoundError, KeyError)
    assert str(errors.KeyNotFoundError("there is no key 'x'")) == "there is no key 'x'"
