"""The `advisor` command: finds the subcommand, runs it, and turns a user's mistake into one line and exit status 2."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

# name -> (module, one line of help). A module is imported only when its command is named.
COMMANDS: dict[str, tuple[str, str]] = {
    "recommend": ("apps.commands.recommend", "prompt, retrieve, fine-tune or combine: ranked, with reasons"),
    "index": ("apps.commands.index", "make or update a searchable index of a folder of documents"),
    "search": ("apps.commands.search", "find passages in an index"),
    "ask": ("apps.commands.ask", "answer a question with verified citations, or refuse"),
    "train": ("apps.commands.train", "fine-tune a model on labelled examples"),
    "chat": ("apps.commands.chat", "open the application in the browser"),
    "serve": ("apps.commands.serve", "answer over HTTP, OpenAI-compatible"),
    "doctor": ("apps.commands.doctor", "what works on this machine, and what mends the rest"),
}
INTERRUPTED = 130  # the shell's status for Ctrl-C


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage stays behind --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'.\n")


class Version(argparse.Action):
    """Looks the version up only when it is asked for: that takes longer than the rest of the start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        parser.exit(0, f"advisor {version('llm-adaptation-advisor')}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the status is 0, 2 for a mistake of the user's, 130 for Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = next((word for word in arguments if word in COMMANDS), None)
    args = _parser(name).parse_args(arguments)
    logging.basicConfig(level=logging.INFO if args.verbose else logging.WARNING, format="%(message)s")
    try:
        return int(importlib.import_module(COMMANDS[args.command][0]).run(args))
    except KeyboardInterrupt as stop:
        _say(str(stop) or "Interrupted; what was done is kept. Run the same command again to go on.")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, ImportError) as mistake:
        if args.debug:
            raise
        _say(" ".join(str(mistake).split()))
        return 2


def _parser(name: str | None) -> Parser:
    parser = Parser(
        prog="advisor",
        description="Prompt, retrieve, fine-tune, or combine? Recommends, does it, and answers with citations.",
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and stop")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command, (module, line) in COMMANDS.items():
        sub = commands.add_parser(command, help=line, description=line[0].upper() + line[1:] + ".")
        sub.add_argument("--verbose", action="store_true", help="log what is done")
        sub.add_argument("--debug", action="store_true", help="show a traceback for an error")
        if command == name:
            importlib.import_module(module).add_arguments(sub)
    return parser


def _say(line: str) -> None:
    print(f"advisor: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
