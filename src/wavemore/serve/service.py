"""What a server serves: its models, the pages of each, the workers, and how much work a request is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wavemore.models.modelfile import ModelFile, pretrained_path
from wavemore.serve.asks import Ask, ExplainAsk, SampleAsk, ScoreAsk
from wavemore.serve.crew import Crew, Job, NoAnswerError
from wavemore.serve.limits import SMALL, Limits, characters_of
from wavemore.serve.metrics import Metrics
from wavemore.serve.pages import Page

__all__ = ["Service"]

_EXPLAINED = 3
"""An explained character counts as so many, and each alternative that is named as one more."""


class Service:
    """Models by name, the first one being asked where a request names none; None stands for the one in the package.

    Raises what `ModelFile.load` raises."""

    def __init__(self, models: Mapping[str, str | None], limits: Limits) -> None:
        self.limits = limits
        self.files = {
            name: replace(ModelFile.load(pretrained_path() if path is None else path), path=name)
            for name, path in models.items()
        }
        self.crew = Crew(models, limits)
        self.metrics = Metrics(self.crew)
        self.pages = {name: Page.of(name, file) for name, file in self.files.items()}
        self.listed = [_listed(name, file) for name, file in self.files.items()]

    def named(self, name: str | None) -> str:
        """A model's name. Raises `NoAnswerError` where there is no such model."""
        if name is None:
            return next(iter(self.files))
        if name not in self.files:
            raise NoAnswerError(404, f"there is no model {name[:60]!a}; there are {', '.join(self.files)}")
        return name

    def ask(self, do: str, ask: Ask) -> Job:
        """Have a request done. Raises `NoAnswerError` for an unknown model and where too many wait, `TooMuchError` for
        too much work."""
        told = ask.model_dump() | {"model": self.named(ask.model)}
        for name in told.get("against", ()):
            self.named(name)
        work, what, small = self._work(ask, told["model"])
        self.limits.check(work, what)
        return self.take(do, told, small=small and work <= SMALL, work=work)

    def take(self, do: str, told: Mapping[str, Any], *, small: bool, work: int = 0) -> Job:
        """Have it done. Raises `NoAnswerError` where too many wait."""
        job = self.crew.take(do, told, small=small)
        self.metrics.characters.labels(do).inc(work)
        return job

    def _work(self, ask: Ask, model: str) -> tuple[int, str, bool]:
        """How many characters a request is, how they were counted, and whether it takes no longer than they say."""
        if isinstance(ask, SampleAsk):
            length = self._length(ask, model)
            given = characters_of([*ask.texts, *ask.not_in, *ask.like])
            what = f"{ask.n:,} strings of {length:,} characters"
            return ask.n * length + given, f"{what}, and {given:,} in the request", ask.quick
        if isinstance(ask, ScoreAsk):
            models = 1 + len(ask.against)
            labels = self.files[model].labels
            times = models if labels is None or not ask.posterior else models + len(labels.occurring)
            counted = f"{len(ask.strings):,} strings" + (f", {times} times" if times > 1 else "")
            return times * characters_of(ask.strings), counted, not ask.guess_number
        assert isinstance(ask, ExplainAsk)
        each = _EXPLAINED + min(ask.alternatives, len(self.files[model].vocabulary))
        return each * characters_of(ask.strings), f"{len(ask.strings):,} strings, each character as {each}", True

    def _length(self, ask: SampleAsk, model: str) -> int:
        """About how long the strings are that are asked for, an end included."""
        least, most = ask.length if isinstance(ask.length, list) else (ask.length, ask.length)
        texts = (ask.starts_with, ask.ends_with, ask.contains)
        given = sum(len(text) for some in texts for text in ([some] if isinstance(some, str) else some))
        usual = self.crew.typical[model] + (least or 0) + given
        longest = self.files[model].recipe.data.max_length
        return 1 + (min(usual, max(longest, least or 0)) if most is None else min(most, usual))


def _listed(name: str, file: ModelFile) -> dict[str, Any]:
    labels = {} if file.labels is None else {kind: list(values) for kind, values in file.labels.kinds.items()}
    about = {"kind": file.recipe.model.kind, "parameters": file.parameter_count}
    return {"name": name, **about, "characters": file.vocabulary.characters, "labels": labels}
