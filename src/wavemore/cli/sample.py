"""`wavemore sample`: new strings."""

from collections.abc import Iterable, Iterator
from math import isnan
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from wavemore.cli import options
from wavemore.cli.output import json_line, run_job, say, write_lines
from wavemore.cli.reading import read_list
from wavemore.errors import SamplingError, UsageError

if TYPE_CHECKING:
    from wavemore.estimator import StringModel
    from wavemore.sampling.sample import Mode, Samples
    from wavemore.sampling.wish import Wish

_MARK = "\ufeff"


def command(
    model: options.Model = None,
    n: Annotated[int, options.whole("-n", help="How many strings.")] = 20,
    label: options.Given = None,
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
    distance: Annotated[
        int, options.whole(help="The fewest edits from a string to one of that list or of --not-in: 2 or 3.")
    ] = 0,
    like: Annotated[
        str,
        typer.Option(metavar="LIST", help="Lean towards the strings of a file or of '-': three or more favourites."),
    ] = "",
    strength: Annotated[float, options.number(help="How far: 0 not at all, 1 as is usual, 10 at most.")] = 1.0,
    fold_case: options.FoldCase = False,
    unique: Annotated[bool, typer.Option("--unique", help="No string twice.")] = False,
    most_likely: Annotated[
        bool, typer.Option("--most-likely", help="The likeliest strings in exact order, instead of samples.")
    ] = False,
    mode: Annotated[str, typer.Option(help="How conditions are met: exact, strict or fast.")] = "exact",
    faithful: Annotated[
        bool, typer.Option("--faithful", help="The model's own distribution, with what looks wrong.")
    ] = False,
    temperature: Annotated[
        float | None, options.number(help="Below 1 likelier strings, above 1 stranger ones.")
    ] = None,
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
    output: Annotated[str | None, typer.Option("--output", "-o", help="With --on: the folder for the files.")] = None,
    on: options.On = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make strings like those of the list, one a line.

    Strings are plausible: drawn from the model's own distribution until they surprise it no more than most held-out
    strings do, on average over their characters and by the worst one. Of eight in a row that are not, the least
    surprising comes. --faithful draws from the distribution itself, as sample() in Python does; so do --temperature,
    --top-k and --top-p, shaped as they say. With --seed the first strings stay the same however many are asked for.
    Conditions combine: every string meets all of them, and strings are distributed as the model's own strings that
    do, the plausible ones. Standard error says what share that is. Where it is small, --mode exact may
    be off by up to a hundredth of all probability, and says how much; --mode strict never is: it tries until enough
    are found or eight million characters in a row have given none; --mode fast is quick and biased: some strings
    come too often, others too rarely. With --json each string has its log-likelihood, in nats, and under conditions
    that share and that error as they were known when it was found: share, share_error, clipped, clipped_most.

    --distance 2 keeps strings that are at least two edits away from every string of the model's list and of --not-in:
    an edit takes a character out, puts one in or changes one, and case counts. Standard error, and distance_from in
    the records of --json, say which strings that holds for; of a list that is neither in the package nor given, a
    model has fingerprints alone, which take longer and tell two edits at most.

    With --on strings go to Parquet files of about a million each, in the folder of --output; with --seed their bytes
    are the same on any number of workers.

    Without -n there are 20, enough to look at; sample() in Python gives one, as in scikit-learn.

    --most-likely searches for the likeliest strings and prints the log-likelihood of each, in nats, before it. That
    takes long for unlikely conditions, and ends with what is known where it would take too long.

    --like leans towards favourites: towards the letters that they have more of than the model expected, their lengths
    and their pieces of up to four characters, and the rest stays the model's own. Conditions, log-likelihoods and
    shares are then those of the model that leans.

    \b
    Examples
      wavemore sample
      wavemore sample names.safetensors -n 5 --starts-with an --seed 1
      wavemore sample people.safetensors --label it --label female
      wavemore sample --ends-with ia --length 5-7 --new
      wavemore sample --distance 2                   none that is a letter away from a name of the list
      wavemore sample --matches '(an|el).*[aeiou]' --never xyz --unique
      wavemore sample --like favourites.txt --strength 1.5 --new
      wavemore sample --most-likely -n 10 --length 4
      wavemore sample -n 1000000 --json > names.jsonl
      wavemore sample -n 1000000000 --seed 1 --on ray -o names      Parquet files, on a cluster
    """
    from wavemore.cli.reading import model_of
    from wavemore.progress import watching
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
        distance=distance,
        fold_case=fold_case,
    )
    loaded = model_of(model, label)
    if like:
        liked = read_list(like, max_length=loaded.file_.recipe.data.max_length, quiet=quiet)
        loaded = loaded.leaning(liked, strength, fold_case=fold_case)
    elif strength != 1:
        raise UsageError("--strength has no use without --like; leave it out")
    if not quiet:
        for sentence in wish.in_vain(loaded.file_.vocabulary):
            say(sentence)
    if output is not None and on is None:
        raise UsageError("--output goes with --on; without it strings go to standard output, as in > names.txt")
    if most_likely:
        drawing = {
            "on": on is not None,
            "faithful": faithful,
            "temperature": temperature is not None,
            "unique": unique,
            "mode": mode != "exact",
        }
        drawing |= {"top_k": top_k is not None, "top_p": top_p is not None, "seed": seed is not None}
        for name, given in drawing.items():
            if given:
                raise UsageError(
                    f"--most-likely draws nothing, so --{name.replace('_', '-')} has no use; leave one of them out"
                )
        write_lines(_likeliest(loaded, wish, n, json=json, quiet=quiet))
        return
    shaped = {"temperature": temperature is not None, "top-k": top_k is not None, "top-p": top_p is not None}
    if faithful and any(shaped.values()):
        name = next(name for name, given in shaped.items() if given)
        raise UsageError(f"--faithful shapes nothing, and --{name} does; leave one of them out")
    if on is not None:
        from functools import partial

        from wavemore.scale.jobs import sample_job

        useless = {"not-in": bool(not_in), "distance": distance > 0, "like": bool(like), "unique": unique, "json": json}
        drawn = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "mode": None if mode == "exact" else mode}
        asked = wish.asked() | {name: value for name, value in drawn.items() if value is not None}
        own = faithful or any(shaped.values())
        make = partial(sample_job, n, model=loaded, seed=seed, faithful=own, **asked)
        run_job(make, on, output, useless, quiet=quiet)
        return
    with watching("sampling: {:,} strings drawn, {:,} found", quiet=quiet) as watch:
        strings = wish.samples(
            loaded.file_,
            loaded.distribution_,
            n,
            unique=unique,
            mode=cast("Mode", mode),
            shape=Shape(temperature=1.0 if temperature is None else temperature, top_k=top_k, top_p=top_p),
            seed=seed,
            watch=watch,
            plausible=not (faithful or any(shaped.values())),
        )
        try:
            lines = _records(loaded, strings) if json else _marked(strings)
            write_lines(lines if watch is None else watch.hidden(lines))
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped; {strings.found:,} of {n:,} strings were found") from None
    if not quiet:
        for sentence in _known(strings):
            say(sentence)


def _records(model: "StringModel", strings: "Samples") -> Iterator[str]:
    """A record for each string, with what was known of all when it was found."""
    for some in strings.batches():
        known = strings.known
        for string, log_likelihood in zip(some, model.score_samples(some).tolist(), strict=True):
            yield json_line({"string": string, "log_likelihood": round(log_likelihood, 6)} | known)


def _marked(strings: "Samples") -> Iterator[str]:
    """The strings; before the first one another mark where it begins with one: of a file's first mark readers take
    away one, as a byte order mark."""
    for number, string in enumerate(strings):
        yield _MARK + string if number == 0 and string.startswith(_MARK) else string


def _known(strings: "Samples") -> Iterator[str]:
    """What is known of the strings, once all are drawn."""
    if strings.apart is not None:
        yield strings.apart.sentence
    asked = not isnan(strings.chance) or isnan(strings.clipped)  # for conditions: without any, nothing is to be mended
    if strings.choice is not None and strings.choice.implausible and asked:
        yield (
            f"{strings.choice.implausible:,} of the {strings.found:,} strings are not plausible: hardly any that "
            "meets the conditions is (see --faithful)"
        )
    if not isnan(strings.chance):
        yield f"about {_share(strings.chance, strings.chance_error)} of the model's strings meet the conditions"
    if isnan(strings.clipped):
        yield "mode fast: every string meets the conditions, but some come too often and others too rarely"
    elif strings.clipped:
        yield (
            f"{strings.unclipped:,} strings are distributed exactly as the model's own, the next "
            f"{strings.found - strings.unclipped:,} but for {100 * strings.clipped:.2g} % of all probability (at most "
            f"{100 * strings.clipped_most:.2g} %, with 95 % confidence); mode strict has no such error"
        )


def _likeliest(model: "StringModel", wish: "Wish", n: int, *, json: bool, quiet: bool) -> Iterator[str]:
    from wavemore.progress import watching

    with watching("searching: {:,} beginnings looked at, {:,} strings found", quiet=quiet) as watch:
        try:
            found = wish.most_likely(model.file_, model.distribution_, n, watch=watch)
        except SamplingError as error:
            known = error.strings or []
            yield from _ranked(zip(known, model.score_samples(known).tolist(), strict=True), json=json)
            raise
    apart = wish.folded(model.file_.vocabulary).apart(model.file_)
    if apart is not None and not quiet:
        say(apart.sentence)
    if len(found) < n and not quiet:
        say(f"there are only {len(found):,} such strings")
    yield from _ranked(found, json=json)


def _ranked(found: Iterable[tuple[str, float]], *, json: bool) -> Iterator[str]:
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


def _share(chance: float, error: float) -> str:
    digits = 2 if error < 0.1 * chance else 1
    if chance > 0.95:
        return f"{100 * chance:.0f} %"
    if chance < 1e-4:
        return f"1 in {float(f'{1 / chance:.{digits}g}'):,.0f}"
    return f"{float(f'{100 * chance:.{digits}g}'):g} %"
