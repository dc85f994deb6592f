"""A guide towards rare conditions: what it keeps is distributed as the model's own strings that meet them."""

from asked import check_guided, sharp_model
from in_node import Page


def test_what_a_guide_keeps_is_the_models_own(page: Page) -> None:
    check_guided(page, "from a beginning, stranger")


def test_a_guide_takes_over_where_few_strings_meet_the_conditions(page: Page) -> None:
    ending = "bbbbcccccaaaa"
    answers = page.sampled(sharp_model(), count=40, endsWith=ending, seed=1, unique=False)
    assert all(one["string"].endswith(ending) for answer in answers for one in answer["strings"])
    assert answers[-1]["done"]
    assert answers[-1]["reason"] is None
    assert answers[-1]["clipped"] < 0.01
    assert answers[-1]["looked"] < 100_000 < 1 / answers[-1]["share"]
    assert (
        page.strings(sharp_model(), count=20, endsWith=ending, seed=1, unique=False)
        == [one["string"] for answer in answers for one in answer["strings"]][:20]
    )
