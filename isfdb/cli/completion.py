"""``isfdb completion``: print what makes a shell complete verbs, options, files, databases and keys with the Tab key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "make the Tab key of your shell complete verbs, databases and keys"
EXAMPLES = """
eval "$(isfdb completion bash)"                                  in ~/.bashrc
eval "$(isfdb completion zsh)"                                   in ~/.zshrc, after compinit
isfdb completion fish > ~/.config/fish/completions/isfdb.fish    once
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the script."""
    from argcomplete.shell_integration import shellcode

    print(shellcode(["isfdb"], shell=arguments.shell))
    return 0
