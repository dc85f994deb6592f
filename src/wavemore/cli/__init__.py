"""The command line: one short file a command, which parses, makes one library call and prints.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage,
130 interrupted. A command's module is imported when the command is named, and nothing heavy before it runs, so that
`--help` and short answers come at once.
"""

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from wavemore._version import __version__
from wavemore.cli.output import say
from wavemore.errors import FileError, WavemoreError, is_out_of_memory

__all__ = ["COMMANDS", "app", "main", "run"]

COMMANDS = {
    "train": "Learn what the strings on LIST look like and write one model file.",
    "sample": "Make strings like those of the list, one a line.",
    "score": "How well each string fits: its log-likelihood, and what follows from it, as columns of the list.",
    "odd": "The odd rows of a list or of a table's column: typos, random strings, other languages, values of another "
    "column, broken encodings.",
    "evaluate": "The loss of a model on a list: nats and bits per character, and perplexity.",
    "explain": "Why a string is likely or odd: what the model expected at each of its characters and at its end.",
    "compare": "Train several recipes on one list, each with several seeds, and show what they cost and reach.",
    "study": "Measure what the lecture's notes claim for flattening in steps: each claim is an experiment with an open "
    "end.",
    "plot": "Show how training went: losses, learning rate, gradient norm and speed of one run or several.",
    "trace": "Send a batch through the model and show the shape after every layer (with the extra torch).",
    "inspect": "Look inside a model: its activations, its gradients, and what wants attention.",
    "serve": "Serve models at an address: a page to click in at /, and an API for programs under /v1, described at "
    "/openapi.json.",
    "export": "Write a model as one file that opens without wavemore: a page for people, or ONNX for programs.",
    "info": "What a model file holds: its shape, its vocabulary, where it comes from and how well it fits.",
}
"""Each command in the order of --help: its module, and the first sentence of its own help."""


class _Commands(Mapping[str, Any]):
    """The commands by name. One is imported and built when it is asked for, in 2 ms; all of them would take 20."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        alone.command(name=name)(_stoppable(import_module(f"wavemore.cli.{name}").command))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    """What `wavemore` is without a command; typer would build all commands to list their names."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        room = formatter.width - 6 - max(map(len, COMMANDS))  # as in typer's own
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, TyperCommand(name, help=first).get_short_help_str(room)) for name, first in COMMANDS.items()]
            )


app = typer.Typer(
    name="wavemore",
    cls=_Group,
    help=(
        "Learns what the strings on a list look like, scores how well any string fits, and makes more of them.\n\n"
        "\b\nExamples\n"
        "  wavemore sample                              new names from the model in the package\n"
        "  wavemore train towns -o towns.safetensors    learn a list: a file, or one in the package\n"
        "  wavemore sample towns.safetensors -n 5 --starts-with Wal\n"
        "  wavemore score -s emma -s xqzt               how well strings fit; also lists and tables\n"
        "  wavemore odd people.csv --column name        the odd rows of a column, without a model\n"
        "  wavemore evaluate towns.safetensors towns    its loss on each part of the list\n\n"
        "'wavemore COMMAND --help' tells more of each."
    ),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"wavemore {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


class _StoppedError(Exception):
    """Ctrl-C, which typer would turn into an exit without a word."""


def _stoppable(command: Callable[..., None]) -> Callable[..., None]:
    """The command, whose Ctrl-C comes through typer with what it says."""

    @wraps(command)
    def stoppable(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt as stopped:
            raise _StoppedError(str(stopped) or "stopped; nothing was written") from None

    return stoppable


def main() -> None:
    """Run the command line of this process and exit."""
    code = run(sys.argv[1:])
    gc.freeze()  # the process ends: to look for garbage in all its modules takes a tenth of a short command's time
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Errors that are foreseen become one sentence each."""
    if sys.stdout is None:
        say("standard output is closed, so nothing can be written to it; open it, or send it to /dev/null")
        return 1
    words = list(arguments)
    try:
        # With standalone_mode off, typer hands its own errors and exit codes to us. Commands find the words as `obj`.
        code = typer.main.get_command(app).main(args=words, obj=words, prog_name="wavemore", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:
        say(_sentence(error))
        return error.exit_code
    except WavemoreError as error:
        say(str(error))
        return error.exit_code
    except _StoppedError as stopped:
        say(str(stopped))
        return 130
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except SystemExit as leaving:  # typer or rich, when the reader of our output has gone, as `head` does
        return leaving.code if isinstance(leaving.code, int) else 1
    except OSError as error:
        if error.filename is not None:
            raise
        sys.stdout = None  # commands raise a FileError; this is typer, printing help or the version
        say(str(FileError.of("write to", "standard output", error)))
        return 1
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        say("there is not enough memory for this; try smaller settings or a smaller list")
        return 1


def _sentence(error: typer.TyperException) -> str:
    """Typer's own message, and where to look."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None or message.endswith("?"):  # a question holds the answer
        return message
    return f"{message}; see: {context.command_path} --help"
