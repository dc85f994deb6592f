"""What a worker does for one request: strings sampled, scored or explained, as records for JSON.

All of it goes through the models as Python's users have them; nothing here knows how they work.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from wavemore.errors import SamplingError
from wavemore.estimator import StringModel, load
from wavemore.judging.row_scores import Judge, RowScores
from wavemore.models.contents import contents
from wavemore.sampling.preparations import Preparations
from wavemore.sampling.sample import Samples
from wavemore.sampling.shape import Shape
from wavemore.sampling.wish import Wish
from wavemore.tables.columns import json_values

__all__ = ["DONE_BY", "Work", "typical_length"]

_MOST = 8  # labels and ways to score whose preparations are kept
_AT_ONCE, _EXPLAINED_AT_ONCE = 4096, 256  # strings whose scores, and explanations, are sent together
_WISH = (
    *("starts_with", "ends_with", "contains", "matches", "length", "only", "never", "banned", "not_in", "new"),
    *("distance", "fold_case"),
)

_text = json.JSONEncoder(ensure_ascii=False).encode
"""A value as JSON; `json.dumps` would make an encoder each time."""

Kept = TypeVar("Kept")
Ask = Mapping[str, Any]


class _Chosen(NamedTuple):
    """A model under a label, and what was found out about conditions."""

    model: StringModel
    preparations: Preparations


@dataclass
class Work:
    """The models of a server by name, and what is done with them."""

    models: Mapping[str, StringModel]
    _known: "OrderedDict[object, Any]" = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, paths: Mapping[str, str | None]) -> "Work":
        """Load the models and make them ready. Raises what `load` raises, and `MissingExtraError` for one that needs
        PyTorch."""
        work = cls({name: load(path) for name, path in paths.items()})
        for name, model in work.models.items():
            model.file_ = replace(model.file_, path=name)  # sentences are to have the name, not where the file lies
            model.score_samples([""])
        return work

    def sample(self, ask: Ask) -> Iterator[str]:
        """A record for each string."""
        model, preparations = self._chosen(ask)
        if ask["like"]:
            model, preparations = (
                model.leaning(ask["like"], ask["strength"], fold_case=ask["fold_case"]),
                Preparations(),
            )
        fields: Any = {name: ask[name] for name in _WISH}
        if isinstance(fields["length"], list):
            fields["length"] = tuple(fields["length"])
        wish = Wish(**fields)
        if ask["most_likely"]:
            yield from _likeliest(model, wish, ask["n"])
            return
        shaped = any(ask[name] is not None for name in ("temperature", "top_k", "top_p"))
        temperature = 1.0 if ask["temperature"] is None else ask["temperature"]
        samples = wish.samples(
            model.file_,
            model.distribution_,
            ask["n"],
            unique=ask["unique"],
            mode=ask["mode"],
            shape=Shape(temperature=temperature, top_k=ask["top_k"], top_p=ask["top_p"]),
            seed=ask["seed"],
            preparations=preparations,
            plausible=not (ask["faithful"] or shaped),
        )
        yield from _records(model, samples)

    def score(self, ask: Ask) -> Iterator[str]:
        """A record for each string: the columns of `RowScores`."""
        scores = self._scores(ask)
        strings: list[str] = ask["strings"]
        for start in range(0, len(strings), _AT_ONCE):
            some = strings[start : start + _AT_ONCE]
            rest = json_values(scores.columns(some), ascii_only=False)
            yield "".join(f'{{"string": {_text(s)}{more}}}\n' for s, more in zip(some, rest, strict=True))

    def explain(self, ask: Ask) -> Iterator[str]:
        """A record for each string, with one for each of its characters."""
        model, _ = self._chosen(ask)
        strings: list[str] = ask["strings"]
        for start in range(0, len(strings), _EXPLAINED_AT_ONCE):
            some = strings[start : start + _EXPLAINED_AT_ONCE]
            explained = model.explain(some, alternatives=ask["alternatives"])
            yield "".join(_line(explanation.to_dict()) for explanation in explained)

    def info(self, ask: Ask) -> Iterator[str]:
        """One record, with what the model knows by heart where `memory` asks for that."""
        model = self.models[ask["model"]]
        memory = {"memory": model.memorisation().to_dict()} if ask["memory"] else {}
        yield _line({**contents(model.file_), **memory})

    def _chosen(self, ask: Ask) -> _Chosen:
        model = self.models[ask["model"]]
        label = ask["label"] or None

        def chosen() -> _Chosen:
            return _Chosen(model if label is None else model.given(label), Preparations())

        return self._kept(("model", ask["model"], json.dumps(label)), chosen)

    def _scores(self, ask: Ask) -> RowScores:
        def made() -> RowScores:
            judges = [Judge(ask["model"], *_parts(self._chosen(ask).model))]
            judges += [Judge(name, *_parts(self.models[name])) for name in ask["against"]]
            unknown = ask["unknown"] or ("floor" if ask["posterior"] else "zero")
            asked = (ask["percentile"], ask["guess_number"], ask["posterior"], ask["priors"], ask["fold_case"])
            return RowScores(judges, unknown, *asked)

        return self._kept(json.dumps({name: value for name, value in ask.items() if name != "strings"}), made)

    def _kept(self, key: object, make: Callable[[], Kept]) -> Kept:
        """What was made for this key, one of the last few."""
        if key not in self._known:
            self._known[key] = make()
        self._known.move_to_end(key)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return self._known[key]


DONE_BY: Mapping[str, Callable[[Work, Ask], Iterator[str]]] = {
    "sample": Work.sample,
    "score": Work.score,
    "explain": Work.explain,
    "info": Work.info,
}
"""What a request may ask for, and what does it: JSON lines, in portions."""


def typical_length(model: StringModel) -> int:
    """How long hardly any string of the model is longer than, in characters: of the same 512 strings each time."""
    return max(1, sorted(map(len, model.sample(512, seed=0)))[-6])


def _parts(model: StringModel) -> tuple[Any, Any]:
    return model.file_, model.distribution_


def _records(model: StringModel, samples: Samples) -> Iterator[str]:
    for some in samples.batches():
        known = samples.known
        scores = model.score_samples(some).tolist()
        yield "".join(
            _line({"string": string, "log_likelihood": round(score, 6)} | known)
            for string, score in zip(some, scores, strict=True)
        )


def _likeliest(model: StringModel, wish: Wish, n: int) -> Iterator[str]:
    try:
        found = wish.most_likely(model.file_, model.distribution_, n)
    except SamplingError as error:
        known = error.strings or []
        yield _ranked(list(zip(known, model.score_samples(known).tolist(), strict=True)))
        raise
    yield _ranked(found)


def _ranked(found: Sequence[tuple[str, float]]) -> str:
    return "".join(_line({"string": string, "log_likelihood": score}) for string, score in found)


def _line(record: Mapping[str, Any]) -> str:
    return _text(record) + "\n"
