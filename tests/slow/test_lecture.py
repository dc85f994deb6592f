"""The lecture's last model, to the digit. Takes about five minutes for each run."""

import pytest

from wavemore.estimator import StringModel

pytestmark = pytest.mark.slow


def test_the_lecture_recipe_ends_at_the_lectures_losses(names_txt):
    losses = StringModel("lecture").fit(names_txt).file_.provenance["losses"]
    assert losses["train"] == pytest.approx(1.76903, abs=0.00005)
    assert losses["validation"] == pytest.approx(1.99365, abs=0.00005)
