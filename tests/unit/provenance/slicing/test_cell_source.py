"""A cell with magics as plain Python: what runs is kept, what only shows is dropped, what nobody knows stays a call of IPython."""

from __future__ import annotations

import ast

import pytest

from isfdb.provenance.slicing.cell_source import read_cell

AS_PYTHON = {
    "x = 1\n%time y = x + 1": "x = 1\ny = x + 1",
    "%%time\nz = 3": "z = 3",
    "x = %time f()": "x = f()",
    "%timeit f()": "for _round in range(1): f()",
    "%timeit -n1 -r 3 x = f()": "for _round in range(3): f()",
    "%%timeit -n2 -r2 a = 1\nb = f(a)\n": "def _timed():\n    a = 1\n    b = f(a)\nfor _round in range(4): _timed()",
    "%matplotlib inline": "pass",
    "%load_ext autoreload\n%autoreload 2\na = 1": "pass\npass\na = 1",
    "frame?": "pass",
    "?frame.mean": "pass",
    "%%html\n<b>no Python</b>": "",
    "!ls {x} $y": "_exit_code = __import__('subprocess').run(f'ls {x} {y}', shell=True).returncode",
    "a = !echo hi": "a = __import__('subprocess').run('echo hi', shell=True, capture_output=True, text=True).stdout.splitlines()",
    "%cd data": "__import__('os').chdir(__import__('os').path.expanduser('data'))",
    "%cd -q data": "__import__('os').chdir(__import__('os').path.expanduser('data'))",
    "%cd -": "get_ipython().run_line_magic('cd', '-')",
    "%xdel x": "del x",
    "%env A=3": "__import__('os').environ['A'] = '3'",
    "%run model.py": "exec(compile(open('model.py').read(), 'model.py', 'exec'))",
    "%%writefile m.py\ndef f(): pass\n": "with open('m.py', 'w') as file:\n    file.write('def f(): pass\\n')",
    "%%writefile -a m.py\nx = 1": "with open('m.py', 'a') as file:\n    file.write('x = 1\\n')",
    "for i in y:\n    %time g(i)\n    !echo {i}": (
        "for i in y:\n    g(i)\n    _exit_code = __import__('subprocess').run(f'echo {i}', shell=True).returncode"
    ),
    "%unheard_of x": "get_ipython().run_line_magic('unheard_of', 'x')",
    "%%unheard_of x\nbody": "get_ipython().run_cell_magic('unheard_of', 'x', 'body')",
    "get_ipython().run_line_magic(\n  'env', 'A=3')\nx = 1": "__import__('os').environ['A'] = '3'\n\nx = 1",
    "get_ipython().run_cell('y = x\\nz = y')": "exec('y = x\\nz = y')",
    "x = get_ipython().run_line_magic('env', 'A')": "x = get_ipython().run_line_magic('env', 'A')",
    "/f 1, 2": "f(1, 2)",
    ",f a b": "f('a', 'b')",
    "await f()": "await f()",
}


@pytest.mark.parametrize("source", AS_PYTHON)
def test_magics_become_python(source: str) -> None:
    code = read_cell(source)
    assert code.text == AS_PYTHON[source]
    assert code.tree is not None
    ast.parse(code.text)


def test_a_magic_inside_a_text_is_text() -> None:
    source = "s = '''\n%time no\n!ls\n'''"
    assert read_cell(source).text == source


@pytest.mark.parametrize("source", ["def f(:", "x = = 1", "%%time\nx = = 1", "a b c"])
def test_what_is_no_python_even_so_says_why(source: str) -> None:
    code = read_cell(source)
    assert code.tree is None
    assert "SyntaxError" in code.problem
    assert code.statements() == []


def test_a_statement_is_had_with_its_decorators_and_comments() -> None:
    code = read_cell("if 1: x = 1; y = 2\n@d\ndef f():\n    # why\n    return 1\nz = [1,\n  2]; w = 'é'; v = 3")
    assert [code.segment(node) for node in code.statements()] == [
        "if 1: x = 1; y = 2",
        "@d\ndef f():\n    # why\n    return 1",
        "z = [1,\n  2]",
        "w = 'é'",
        "v = 3",
    ]
