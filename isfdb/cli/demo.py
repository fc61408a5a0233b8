"""``isfdb demo``: run a real notebook, store what it computes, read it back in another process, and explain it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "run a real notebook, and show in another process what was kept and how it was made"
EXAMPLES = """
isfdb demo                    into the folder isfdb-demo, here
isfdb demo --into /tmp/demo   into another folder
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    parser.add_argument("--into", metavar="DIR", help="the folder to make; an earlier demo may be there (default: isfdb-demo)")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the demo; 1 if anything in it is not as it should be."""
    from isfdb.demo.run import run_demo

    return 0 if run_demo(arguments.into, terminal.say) else 1
