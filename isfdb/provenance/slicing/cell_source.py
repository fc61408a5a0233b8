"""Turns the text of a cell, magics included, into plain Python that does the same without IPython. Runs nothing.

``%time x = f()`` becomes ``x = f()``, ``!ls`` a call of ``subprocess.run``, ``%%writefile a.py`` a write. Magics that only show or
set up the notebook become nothing; one that nobody here knows stays a call of IPython, and whoever slices takes it for anything.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
import warnings
from dataclasses import dataclass

#: Line magics whose argument is code that runs as if it stood there.
_RUNS_ARGUMENT = frozenset({"time", "prun", "memit", "mprun", "lprun", "debug"})
#: Magics, of lines and cells, that change no variable, file or setting that code can see.
_SHOWS = frozenset(
    "alias alias_magic autocall automagic autoreload colors conda config debug dhist doctest_mode history hist html javascript js latex "
    "load_ext logoff logon logstart logstate logstop ls lsmagic mamba markdown micromamba matplotlib notebook page pastebin pdb pdef "
    "pdoc pfile pinfo pinfo2 pip pprint precision profile psearch psource pwd quickref recall rehashx reload_ext rerun svg "
    "unload_ext uv who who_ls whos xmode isfdb ll lx lf lk dirs".split()
)
_SHELLS = frozenset({"bash", "sh", "script", "system", "sx", "!", "cmd", "perl", "ruby"})
#: Methods of IPython's shell that run a text -> how many texts they are given.
_CALLS_OF_SHELL = {"run_line_magic": 2, "run_cell_magic": 3, "run_cell": 1, "system": 1}
_RUNS_BODY = frozenset({"time", "prun", "capture", "debug", "isfdb", "memit"})

_CELL_MAGIC = re.compile(r"%%(\S+)[ \t]*(.*)")
_ASSIGNED = re.compile(r"(?P<indent>\s*)(?P<target>[\w.,\[\]'\" ]+?)\s*=\s*(?P<kind>[!%])(?P<rest>.*)", re.DOTALL)
_MAGIC = re.compile(r"(?P<indent>\s*)%(?P<name>\w+)[ \t]*(?P<rest>.*)", re.DOTALL)
_SHELL = re.compile(r"(?P<indent>\s*)!{1,2}(?P<rest>.*)", re.DOTALL)
_HELP = re.compile(r"(?P<indent>\s*)(\?{1,2}\s*[\w.*%]+|[\w.*%\[\]'\"]+\s*\?{1,2})\s*(#.*)?")
_LEADING_CALL = re.compile(r"(?P<indent>\s*)(?P<kind>[,;/])(?P<name>[A-Za-z_][\w.]*)[ \t]*(?P<rest>.*)")
_TIMEIT_OPTIONS = re.compile(r"(-([nrp]\s*\d+|[a-zA-Z]+)\s+)*")
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|\$\$|\$([A-Za-z_]\w*)")


#: What a cell may end with behind its last piece of code.
_NO_CODE = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.DEDENT, tokenize.INDENT})


@dataclass(frozen=True)
class CellCode:
    """A cell as plain Python.

    Attributes
    ----------
    text : str
        As Python; the cell's own text where it holds no magic.
    tree : ast.Module or None
        None where the cell is no Python even so.
    problem : str
        Why it is none.
    """

    text: str
    tree: ast.Module | None
    problem: str = ""

    def statements(self) -> list[ast.stmt]:
        """Return the statements at the top level, in order."""
        return list(self.tree.body) if self.tree is not None else []

    def is_quiet(self) -> bool:
        """Say whether the cell ends with a semicolon, so that IPython keeps no output."""
        if ";" not in self.text:
            return False
        try:
            tokens = [one.string for one in tokenize.generate_tokens(io.StringIO(self.text).readline) if one.type not in _NO_CODE]
        except (tokenize.TokenError, SyntaxError):
            return False
        return bool(tokens) and tokens[-1] == ";"

    def segment(self, node: ast.stmt) -> str:
        """Return the text of a statement, with the comments that stand in it and its decorators."""
        first = min([node.lineno, *[one.lineno for one in getattr(node, "decorator_list", ())]])
        lines = self.text.splitlines()
        last = lines[(node.end_lineno or node.lineno) - 1 : node.end_lineno]
        if first == node.end_lineno:  # one line, which it may share with others
            return (ast.get_source_segment(self.text, node) or "").strip()
        found = [*lines[first - 1 : (node.end_lineno or first) - 1], *[line.encode()[: node.end_col_offset].decode() for line in last]]
        head = found[0].encode()[node.col_offset :].decode() if first == node.lineno else found[0]
        return textwrap.dedent("\n".join([head, *found[1:]])) if first == node.lineno else "\n".join(found)


def read_cell(source: str) -> CellCode:
    """Read the text of a cell.

    Parameters
    ----------
    source : str
        As executed.
    """
    text = _without_cell_magic(textwrap.dedent(source) if source[:1] in " \t" else source)
    # Each round replaces the one line at which Python stops: a magic inside a text or after a bracket is none.
    for _ in range(text.count("\n") + 2):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about escapes in the user's texts; Python itself warned when the cell ran
                return _with_magics_called(text, ast.parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            replaced = _replace_line(text, getattr(error, "lineno", None))
            if replaced is None:
                return CellCode(text, None, f"{type(error).__name__}: {error}")
            text = replaced
    return CellCode(text, None, "it holds more magics than lines")


def _with_magics_called(text: str, tree: ast.Module) -> CellCode:
    """Write ``get_ipython().run_line_magic("cd", "data")`` as the magic itself, where it is a statement on lines of its own."""
    if not any(name in text for name in _CALLS_OF_SHELL):
        return CellCode(text, tree)
    lines = text.split("\n")
    statements: list[ast.Expr] = [one for one in ast.walk(tree) if isinstance(one, ast.Expr)]
    for node in statements:
        python = _of_shell_call(node)
        if python is None or node.end_lineno is None:
            continue
        indent, first, last = " " * node.col_offset, node.lineno - 1, node.end_lineno
        if "\n".join(lines[first:last]).strip() == (ast.get_source_segment(text, node) or ""):
            lines[first:last] = [textwrap.indent(python, indent), *[""] * (last - first - 1)]  # lines below keep their numbers
    text = "\n".join(lines)
    return CellCode(text, ast.parse(text))


def _of_shell_call(node: ast.Expr) -> str | None:
    """Return what a call of IPython's shell with constant texts does, as one line of Python; None where it is no such call."""
    call = node.value
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _CALLS_OF_SHELL):
        return None
    texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if len(texts) != len(call.args) or len(texts) != _CALLS_OF_SHELL[call.func.attr]:
        return None
    python = ""
    if call.func.attr == "run_line_magic":
        python = _line_magic(texts[0], texts[1].strip(), "")
    elif call.func.attr == "run_cell_magic":
        python = _without_cell_magic(f"%%{texts[0]} {texts[1]}\n{texts[2]}")
    elif ast.unparse(call.func.value) == "get_ipython()" and call.func.attr == "system":
        python = _shell(texts[0])
    elif ast.unparse(call.func.value) == "get_ipython()" and not node.col_offset:
        python = texts[0]
    else:
        return None
    if python.startswith("get_ipython()"):
        return None
    code = read_cell(python)
    if code.tree is None:
        return None
    return code.text if "\n" not in code.text else None if node.col_offset else f"exec({code.text!r})"


def _without_cell_magic(source: str) -> str:
    stripped = source.lstrip()
    match = _CELL_MAGIC.match(stripped) if stripped.startswith("%%") else None
    if match is None:
        return source
    name, argument = match[1], match[2].strip()
    body = stripped[match.end() :].removeprefix("\n")
    if name == "capture" and (words := [word for word in argument.split() if not word.startswith("-")]):
        # The output of the cell is a variable, so that what is captured must be captured again.
        return f"with __import__('IPython.utils.capture').utils.capture.capture_output() as {words[0]}:\n{textwrap.indent(body, '    ')}"
    if name in _RUNS_BODY:
        return f"{argument}\n{body}" if name == "time" and argument else body
    if name == "timeit":
        return _timed_cell(argument, body)
    if name in _SHOWS:
        return ""
    if name in ("writefile", "file"):
        return _write_file(argument, body)
    if name in _SHELLS:
        program = argument if name == "script" and argument else name.replace("!", "sh").replace("system", "sh").replace("sx", "sh")
        return f"import subprocess\nsubprocess.run({program.split() or ['sh']!r}, input={body!r}, text=True)"
    return f"get_ipython().run_cell_magic({name!r}, {argument!r}, {body!r})"


def _write_file(argument: str, body: str) -> str:
    body += "" if body.endswith("\n") else "\n"  # as IPython has it
    words = argument.split()
    mode = "a" if words[:1] in (["-a"], ["--append"]) else "w"
    path = " ".join(words[1:] if mode == "a" else words).strip("'\"")
    return f"with open({_with_variables(path)}, {mode!r}) as file:\n    file.write({body!r})"


def _replace_line(text: str, number: int | None) -> str | None:
    """Replace the line that is no Python by what its magic does; None where it holds no magic."""
    lines = text.split("\n")
    if number is None or not 1 <= number <= len(lines):
        return None
    first = last = number - 1
    while lines[last].endswith("\\") and last + 1 < len(lines):
        last += 1
    while first and lines[first - 1].endswith("\\"):
        first -= 1
    line = "\n".join(lines[first : last + 1]).replace("\\\n", " ")
    python = _as_python(line)
    if python is None:
        return None
    return "\n".join([*lines[:first], python, *lines[last + 1 :]])


def _as_python(line: str) -> str | None:
    """Return the Python that does what a line with a magic does; None where it has none."""
    if match := _SHELL.fullmatch(line):
        return f"{match['indent']}{_shell(match['rest'].strip())}"
    if match := _MAGIC.fullmatch(line):
        return match["indent"] + _line_magic(match["name"], match["rest"].strip(), match["indent"])
    if match := _ASSIGNED.fullmatch(line):
        return f"{match['indent']}{match['target'].strip()} = {_magic_value(match['kind'], match['rest'].strip())}"
    if match := _HELP.fullmatch(line):
        return f"{match['indent']}pass"
    if match := _LEADING_CALL.fullmatch(line):
        arguments = match["rest"].strip()
        given = {"/": arguments, ";": repr(arguments), ",": ", ".join(map(repr, arguments.split()))}[match["kind"]]
        return f"{match['indent']}{match['name']}({given})"
    return None


def _line_magic(name: str, rest: str, indent: str) -> str:
    if name in _RUNS_ARGUMENT:
        code = re.sub(r"^(-\w+(\s+\d+)?\s+)*", "", rest)
        return textwrap.indent(code, indent).lstrip() if code else "pass"
    if name == "timeit":
        return _timed(rest)
    if name in _SHOWS:
        return "pass"
    if name == "xdel" and rest.isidentifier():
        return f"del {rest}"
    if name == "cd" and (rest := rest.removeprefix("-q").strip()).startswith("-"):
        return f"get_ipython().run_line_magic('cd', {rest!r})"  # back to a folder that only IPython knows
    if name in ("cd", "pushd"):
        return f"__import__('os').chdir(__import__('os').path.expanduser({_with_variables(rest.strip(chr(34) + chr(39)) or '~')}))"
    if name in ("env", "set_env"):
        variable, separator, value = rest.replace(" ", "=", 1).partition("=") if "=" not in rest else rest.partition("=")
        return f"__import__('os').environ[{variable.strip()!r}] = {_with_variables(value.strip())}" if separator else "pass"
    if name in ("run", "runfile"):
        words = rest.split()
        path = next((word for word in words if not word.startswith("-")), "")
        return f"exec(compile(open({_with_variables(path)}).read(), {path!r}, 'exec'))"
    if name in _SHELLS:
        return _shell(rest)
    return f"get_ipython().run_line_magic({name!r}, {rest!r})"


def _timed(rest: str) -> str:
    """Return what ``%timeit`` leaves behind: what it times runs, though the names it binds are its own."""
    rounds, code = _rounds(rest)
    try:
        (statement,) = ast.parse(code).body
    except (SyntaxError, ValueError):
        return "pass"
    if isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) for target in statement.targets):
        code = ast.unparse(statement.value)
    elif not isinstance(statement, (ast.Expr, ast.Assign, ast.AugAssign)):
        return "pass"
    return f"for _round in range({rounds}): {code}"


def _timed_cell(argument: str, body: str) -> str:
    rounds, setup = _rounds(argument)
    inner = textwrap.indent(f"{setup}\n{body}".strip("\n"), "    ")
    return f"def _timed():\n{inner}\nfor _round in range({rounds}): _timed()" if body.strip() else ""


def _rounds(rest: str) -> tuple[int, str]:
    """Return how often ``%timeit`` runs its code, once where only the clock decides, and the code."""
    options = _TIMEIT_OPTIONS.match(rest)
    given = dict(re.findall(r"-([nr])\s*(\d+)", options[0])) if options else {}
    return int(given["n"]) * int(given.get("r", 7)) if "n" in given else 1, rest[options.end() :] if options else rest


def _shell(command: str) -> str:
    return f"_exit_code = __import__('subprocess').run({_with_variables(command)}, shell=True).returncode"


def _magic_value(kind: str, rest: str) -> str:
    if kind == "!" or rest.split(" ", 1)[0] in ("sx", "system"):
        command = _with_variables(rest.removeprefix("sx ").removeprefix("system "))
        return f"__import__('subprocess').run({command}, shell=True, capture_output=True, text=True).stdout.splitlines()"
    name, _, argument = rest.partition(" ")
    if name in _RUNS_ARGUMENT:
        return argument
    if name in ("pwd",):
        return "__import__('os').getcwd()"
    return f"get_ipython().run_line_magic({name!r}, {argument.strip()!r})"


def _with_variables(text: str) -> str:
    """Return an expression for a text in which IPython replaces ``{x}`` and ``$x``."""
    parts, start, has_variables = [], 0, False
    for match in _BRACES.finditer(text):
        parts.append(_escaped(text[start : match.start()]))
        start = match.end()
        expression = match[1] or match[2]
        if expression and _is_expression(expression):
            has_variables = True
            parts.append("{" + expression.strip() + "}")
        else:
            parts.append(_escaped({"{{": "{", "}}": "}", "$$": "$"}.get(match[0], match[0])))
    parts.append(_escaped(text[start:]))
    if not has_variables:
        return repr(text)
    return "f" + repr("".join(parts))


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _is_expression(text: str) -> bool:
    try:
        ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    return "'" not in text and '"' not in text
