"""A model with labels, as the page has it."""

from collections import Counter
from typing import Any

from asked import SHORT, N
from enumerated import enumerated, p_value
from in_node import Page, model_of
from packed_models import network_file
from rounded import rounded

from wavemore.page.packing import packed
from wavemore.predict.predictor import Predictor
from wavemore.sampling.constraints import Condition, EndsWith, Length
from wavemore.sampling.shape import Shape

KINDS = {"language": ("de", "fr", "it"), "gender": ("f", "m")}
FILE = network_file(4, spread=0.9, kinds=KINDS)
LABELS: dict[str, Any] = {
    "no label": None,
    "a label": {"language": "it", "gender": "f"},
    "one kind of label": {"language": "fr"},
}


def predictor(label: Any) -> Predictor[Any]:
    return rounded(FILE, packed(FILE), label)


def check_strings(page: Page, label: Any, *, conditions: bool) -> None:
    """Strings with a label are the model's own with it, by G-tests of 100,000, and not those of all labels."""
    wish = {"endsWith": "ca", "minLength": 4, "maxLength": 8} if conditions else {}
    asked: list[Condition] = [EndsWith("ca"), Length(4, 8)] if conditions else [SHORT]
    strings = page.strings(model_of(FILE), count=N, seed=2, label=label, **wish)
    counts = Counter(string for string in strings if len(string) <= 8)
    assert p_value(counts, enumerated(predictor(label), asked, Shape())) > 0.001
    if label is not None:
        assert p_value(counts, enumerated(predictor(None), asked, Shape())) < 1e-9
