"""Scripts that differ only in the value they leave are told to be alike; all others are not."""

from __future__ import annotations

from isfdb.replaying.alike import parts_of

_HEAD = "# What makes {0!r}\n# Made by isfdb.\n\nimport isfdb\n\n# Made from\n#   x\nisfdb.pin({1}before='2026', at={{}})\n\n"
_END = '\nvalue = isfdb.load("isfdb://12/{0}")\n'


def _script(key: str, *links: str, body: str = "for i in range(3):\n    db[f'k{i}'] = i\n") -> str:
    return _HEAD.format(key, "".join([f"'{link}', " for link in links])) + body + _END.format(key)


def test_scripts_of_a_loop_are_alike() -> None:
    one, other = parts_of(_script("k1")), parts_of(_script("k2"))
    assert one.shape == other.shape
    assert one.wanted == 'value = isfdb.load("isfdb://12/k1")' and other.wanted.endswith('k2")')
    assert one.body + one.wanted + "\n" == _script("k1")


def test_versions_that_are_pinned_do_not_count_and_are_told() -> None:
    one, other = parts_of(_script("k1", "isfdb://12/a@1")), parts_of(_script("k2", "isfdb://12/a@1", "isfdb://12/b@1"))
    assert one.shape == other.shape and one.links < other.links


def test_another_statement_makes_another_script() -> None:
    assert parts_of(_script("k1")).shape != parts_of(_script("k1", body="for i in range(4):\n    db[f'k{i}'] = i\n")).shape
    text = "text = '''\n# Made from\n#   x\n'''\n"
    assert parts_of(_script("k1", body=text)).shape != parts_of(_script("k1", body=text.replace("x", "y"))).shape


def test_a_value_at_the_end_of_a_guarded_block_is_taken_out() -> None:
    script = 'import isfdb\nif __name__ == "__main__":\n    db[1] = 2\n    value = isfdb.load("isfdb://12/k")\n'
    found = parts_of(script)
    assert found.wanted == 'value = isfdb.load("isfdb://12/k")' and found.body.endswith("db[1] = 2\n")


def test_a_script_without_such_a_line_stays_whole() -> None:
    for script in (
        "value = 1\n",
        'if x:\n    value = isfdb.load("isfdb://12/k")\n',
        "value = (\n",
        'value = isfdb.load("isfdb://12/k") + 1\n',
        "\0",
        "",
    ):
        found = parts_of(script)
        assert found.body == script and found.wanted == "" and found.shape


def test_a_text_that_is_nested_too_deep_is_no_reason_to_fail() -> None:
    assert parts_of("x = " + "-" * 100_000 + "1\n").shape
