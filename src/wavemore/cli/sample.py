"""`wavemore sample`: new strings."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, say, write_lines
from wavemore.errors import UsageError

if TYPE_CHECKING:
    from wavemore.estimator import StringModel
    from wavemore.sampling.sample import Mode
    from wavemore.sampling.wish import Wish

NAME = "sample"
_MARK = "\ufeff"


def command(
    model: options.Model = None,
    n: Annotated[int, options.whole("-n", help="How many strings.")] = 20,
    starts_with: Annotated[list[str] | None, typer.Option(help="The beginning of every string.")] = None,
    ends_with: Annotated[list[str] | None, typer.Option(help="The end of every string.")] = None,
    contains: Annotated[
        list[str] | None, typer.Option(help="A text that every string contains; may be repeated.")
    ] = None,
    matches: Annotated[
        list[str] | None, typer.Option(help="A regular expression for the whole string, such as '.*an.*'.")
    ] = None,
    length: Annotated[
        list[str] | None, typer.Option(metavar="<int>|<int>-<int>", help="Characters: 5, or from 3 to 8: 3-8, 3-, -8.")
    ] = None,
    only: Annotated[str, typer.Option(help="The only characters that a string may have.")] = "",
    never: Annotated[str, typer.Option(help="Characters that no string has.")] = "",
    banned: Annotated[list[str] | None, typer.Option(help="A word that no string has; may be repeated.")] = None,
    not_in: Annotated[str, typer.Option(metavar="LIST", help="A file or a list whose strings are refused.")] = "",
    new: Annotated[
        bool, typer.Option("--new", help="Refuse strings of the list that the model was trained on.")
    ] = False,
    unique: Annotated[bool, typer.Option("--unique", help="No string twice.")] = False,
    most_likely: Annotated[
        bool, typer.Option("--most-likely", help="The likeliest strings in exact order, instead of samples.")
    ] = False,
    mode: Annotated[str, typer.Option(help="How conditions are met: exact, or fast, which is biased.")] = "exact",
    temperature: Annotated[float, options.number(help="Below 1 likelier strings, above 1 stranger ones.")] = 1.0,
    top_k: Annotated[
        int | None,
        options.whole(help="Only this number of characters at each step, the likeliest."),
    ] = None,
    top_p: Annotated[
        float | None,
        options.number(help="Only the likeliest characters that have this probability together."),
    ] = None,
    seed: Annotated[
        int | None,
        options.whole(help="A whole number, for the same strings again."),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make strings like those of the list, one a line.

    Strings are independent draws from the model's own distribution. With --seed the first strings stay the same
    however many are asked for. Conditions combine: every string meets all of them, and strings are distributed as
    the model's own strings that do. Standard error says what share that is. --mode fast is quick for rare
    conditions, and biased: some strings come too often, others too rarely.

    --most-likely searches for the likeliest strings and prints the log-likelihood of each, in nats, before it. That
    takes long for unlikely conditions.

    \b
    Examples
      wavemore sample
      wavemore sample names.safetensors -n 5 --starts-with an --seed 1
      wavemore sample --ends-with ia --length 5-7 --new
      wavemore sample --matches '(an|el).*[aeiou]' --never xyz --unique
      wavemore sample --most-likely -n 10 --length 4
      wavemore sample -n 1000000 --json > names.jsonl
    """
    from wavemore.estimator import load
    from wavemore.progress import waiting
    from wavemore.sampling.shape import Shape
    from wavemore.sampling.wish import Wish

    wish = Wish(
        starts_with=starts_with or (),
        ends_with=ends_with or (),
        contains=contains or (),
        matches=matches or (),
        length=_length(length),
        only=only,
        never=never,
        banned=banned or (),
        not_in=not_in,
        new=new,
    )
    loaded = load(model)
    if most_likely:
        drawing = {"temperature": temperature != 1, "unique": unique, "mode": mode != "exact"}
        drawing |= {"top_k": top_k is not None, "top_p": top_p is not None, "seed": seed is not None}
        for name, given in drawing.items():
            if given:
                raise UsageError(
                    f"--most-likely draws nothing, so --{name.replace('_', '-')} has no use; leave one of them out"
                )
        write_lines(_likeliest(loaded, wish, n, json=json, quiet=quiet))
        return
    with waiting("looking for strings that meet the conditions", quiet=quiet):
        strings = wish.samples(
            loaded.file_,
            loaded.distribution_,
            n,
            unique=unique,
            mode=cast("Mode", mode),
            shape=Shape(temperature=temperature, top_k=top_k, top_p=top_p),
            seed=seed,
        )
    if not quiet and strings.chance is not None:
        say(f"about {_share(strings.chance)} of the model's strings meet the conditions")
    if not quiet and mode == "fast" and wish.conditions():
        say("mode fast: every string meets the conditions, but some come too often and others too rarely")
    write_lines(_lines(strings, n, json=json, quiet=quiet))


def _lines(strings: Iterable[str], n: int, *, json: bool, quiet: bool) -> Iterator[str]:
    from wavemore.progress import counted

    first = True
    for string in counted(strings, n, "sampling", quiet=quiet, printed=True):
        if first and string.startswith(_MARK) and not json:
            yield _MARK + string  # of a file's first mark readers take away one, as a byte order mark
        else:
            yield json_line({"string": string}) if json else string
        first = False


def _likeliest(model: "StringModel", wish: "Wish", n: int, *, json: bool, quiet: bool) -> Iterator[str]:
    from wavemore.progress import watching

    with watching("searching: {:,} beginnings looked at, {:,} strings found", quiet=quiet) as watch:
        found = wish.most_likely(model.file_, model.distribution_, n, watch=watch)
    if len(found) < n and not quiet:
        say(f"there are only {len(found):,} such strings")
    for string, log_likelihood in found:
        record: dict[str, Any] = {"string": string, "log_likelihood": log_likelihood}
        yield json_line(record) if json else f"{log_likelihood:10.6f}  {string}"


def _length(texts: list[str] | None) -> int | tuple[int | None, int | None] | None:
    """`5`, `3-8`, `3-` and `-8`."""
    if not texts:
        return None
    if len(texts) > 1:
        raise UsageError(f"the length is given {len(texts)} times, {' and '.join(texts)}; give it once, such as 3-8")
    text = texts[0]
    least, dash, most = text.partition("-")
    if not all(part.isdecimal() for part in (least, most) if part) or text == "-":
        raise typer.BadParameter(f'"{text}" is no length; write 5, 3-8, 3- or -8', param_hint="'--length'")
    if not dash:
        return int(least)
    return (int(least) if least else None), (int(most) if most else None)


def _share(chance: float) -> str:
    if chance > 0.95:
        return f"{100 * chance:.0f} %"
    return f"{100 * chance:.2g} %" if chance >= 1e-4 else f"1 in {float(f'{1 / chance:.2g}'):,.0f}"
