"""A script as a notebook: a cell for each cell that ran. It needs no notebook library."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

#: The comment that begins what a cell ran.
_CELL = re.compile(r"# (hidden )?cell\b")


def notebook_of(script: str, about: Sequence[str], link: str) -> dict[str, Any]:
    """Return a script as the JSON of a notebook, what is to be known about it on top.

    Parameters
    ----------
    script : str
    about : sequence of str
        Lines for the first cell.
    link : str
        What the script makes.
    """
    parts = [part.strip("\n") for part in _parts(script) if part.strip()]
    head = "\n".join([f"`{link}`", "", *[f"- {_plain(line)}" for line in about]])
    texts = [("markdown", head), *[("code", part) for part in parts], ("code", "value")]
    return {
        "cells": [_cell(kind, text, place) for place, (kind, text) in enumerate(texts)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _parts(script: str) -> list[str]:
    """Cut a script at the comments that begin a cell; not inside a statement, where a text may look like one."""
    try:
        inside = {line for node in ast.parse(script).body for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)}
    except (SyntaxError, ValueError):
        return [script]
    parts: list[list[str]] = [[]]
    for number, line in enumerate(script.splitlines(keepends=True), 1):
        if number not in inside and _CELL.match(line):
            parts.append([])
        parts[-1].append(line)
    return ["".join(part) for part in parts]


def _cell(kind: str, text: str, place: int) -> dict[str, Any]:
    name = blake2b(f"{place}:{text}".encode("utf-8", "replace"), digest_size=4).hexdigest()
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _plain(line: str) -> str:
    """Return a line that Markdown and HTML leave alone: it may come from a stranger's database."""
    return re.sub(r"([\\`*_\[\]<>#!|$&])", r"\\\1", line.replace("\n", " "))


def write_notebook(notebook: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a notebook to a new file.

    Raises
    ------
    FileExistsError
    """
    with open(path, "x", encoding="utf-8") as file:
        json.dump(notebook, file, indent=1, ensure_ascii=False)
        file.write("\n")
