"""The command line: one short file a command, which parses, makes one library call and prints.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage,
130 interrupted. Nothing heavy is imported before a command runs, so `--help` answers at once.
"""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any

import typer

from wavemore._version import __version__
from wavemore.cli import compare, evaluate, explain, info, inspect, odd, plot, sample, score, study, trace, train
from wavemore.cli.output import say
from wavemore.errors import FileError, WavemoreError, is_out_of_memory

__all__ = ["app", "main", "run"]

app = typer.Typer(
    name="wavemore",
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


for _command in (train, sample, score, odd, evaluate, explain, compare, study, plot, trace, inspect, info):
    app.command(name=_command.NAME)(_stoppable(_command.command))


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


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
