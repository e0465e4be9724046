"""The `advisor` command: finds the subcommand, runs it, and turns a user's mistake into one line and exit status 2."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import logging
import os
import sys
import time
import traceback
from collections.abc import Sequence
from typing import NoReturn

# name -> (module, one line of help). A module is imported only when its command is named.
COMMANDS: dict[str, tuple[str, str]] = {
    "recommend": ("apps.commands.recommend", "prompt, retrieve, fine-tune or combine: ranked, with reasons"),
    "estimate": (
        "apps.commands.estimate",
        "memory of training or serving one model, and what would make it fit",
    ),
    "fits": ("apps.commands.fits", "what can be trained on a card: longest rows, largest batch"),
    "capacity": ("apps.commands.capacity", "index, memory, disk and hours for a large corpus"),
    "cost": ("apps.commands.cost", "dollars to build, for 1,000 questions and a month; break-even"),
    "index": ("apps.commands.index", "make or update a searchable index of a folder of documents"),
    "search": ("apps.commands.search", "find passages in an index"),
    "ask": ("apps.commands.ask", "answer a question with verified citations, or refuse"),
    "news": ("apps.commands.news", "facts, sentiment with its reasons, and risks of finance news"),
    "calibrate": ("apps.commands.calibrate", "find from your own questions when an index should refuse"),
    "check": ("apps.commands.check", "what training on these rows would do: tokens, cuts, repeats, leaks"),
    "negatives": (
        "apps.commands.negatives",
        "passages that look like answers and are none, to train a search",
    ),
    "ground": ("apps.commands.ground", "put retrieved passages into training rows, for any trainer (RAFT)"),
    "train": ("apps.commands.train", "fine-tune a model on labelled examples"),
    "vocabulary": ("apps.commands.vocabulary", "give a model the characters that it lacks for your texts"),
    "judge": ("apps.commands.judge", "rank sampled answers by a judge and principles: pairs to learn from"),
    "improve": ("apps.commands.improve", "learn from feedback, and promote only what is better"),
    "adapters": (
        "apps.commands.adapters",
        "list, show, merge, combine, export and roll back what was trained",
    ),
    "feedback": ("apps.commands.feedback", "list thumbs, export them as training rows, undo, import"),
    "chat": ("apps.commands.chat", "open the application in the browser"),
    "serve": ("apps.commands.serve", "answer over HTTP, OpenAI-compatible"),
    "doctor": ("apps.commands.doctor", "what works on this machine, and what mends the rest"),
}
INTERRUPTED = 130  # the shell's status for Ctrl-C
LAST_TO_LEAVE_SECONDS = 30.0  # as long as torchrun lets processes live that it has asked to end


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage stays behind --help."""

    def error(self, message: str) -> NoReturn:
        from finetune.processes import leads_its_machine

        if not leads_its_machine():  # of several processes that read the same words
            _wait_for_the_one_that_speaks()
            self.exit(2)
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'.\n")


class Version(argparse.Action):
    """Looks the version up only when it is asked for: that takes longer than the rest of the start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"advisor {version('llm-adaptation-advisor')}")
        parser.exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the status is 0, 1 where what was asked for stays undone, 2 for a mistake, 130 for Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = next((word for word in arguments if word in COMMANDS), None)
    args = _parser(name).parse_args(arguments)
    logging.basicConfig(level=logging.INFO if args.verbose else logging.WARNING, format="%(message)s")
    if not args.verbose:  # it warns at its import of kernels that it can do without
        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    _write_what_the_terminal_can_show()
    try:
        status = int(importlib.import_module(COMMANDS[args.command][0]).run(args))
        sys.stdout.flush()  # a full disk or a closed pipe is met here and not at the very end
        return status
    except KeyboardInterrupt as stop:
        _say(str(stop) or "Interrupted; what was done is kept. Run the same command again to go on.", stop)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, ImportError) as mistake:
        if args.debug:
            raise
        _say(_in_one_line(mistake), mistake)
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


def _write_what_the_terminal_can_show() -> None:
    """A character that the terminal's encoding lacks becomes a question mark instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _in_one_line(mistake: Exception) -> str:
    """What was wrong; the system's own errors are put in words and get a next step."""
    if isinstance(mistake, OSError) and mistake.errno is not None and mistake.strerror:
        where = f"'{mistake.filename}': " if mistake.filename is not None else ""
        if mistake.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return f"{where}the disk is full; free some space and run the same command again."
        return f"{where}{mistake.strerror.lower()}; check the path and its permissions, or name another."
    if isinstance(mistake, ModuleNotFoundError) and (extra := _extra_of(mistake)):
        return f"This needs {mistake.name}: pip install 'llm-adaptation-advisor[{extra}]'"
    return " ".join(str(mistake).split())


def _extra_of(missing: ModuleNotFoundError) -> str | None:
    """The extra of the package in whose files the import failed: each library is there for one of them."""
    importers = {
        str(frame.f_globals.get("__name__")).split(".")[0]
        for frame, _ in traceback.walk_tb(missing.__traceback__)
    }
    if missing.name is None or missing.name.split(".")[0] in ("advisor", "rag", "finetune", "apps"):
        return None
    return "train" if "finetune" in importers else "rag" if "rag" in importers else None


def _say(line: str, mistake: BaseException) -> None:
    """Once, however many processes of one run meet the mistake."""
    from finetune.processes import speaks

    if speaks(mistake):
        print(f"advisor: {line}", file=sys.stderr)
    else:
        _wait_for_the_one_that_speaks()


def _wait_for_the_one_that_speaks() -> None:
    """A launcher ends every process as soon as one is gone: the one that tells of the mistake has to be the first."""
    sys.stdout.flush()
    time.sleep(LAST_TO_LEAVE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
