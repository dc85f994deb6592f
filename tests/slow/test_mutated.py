"""Thousands of model files with something changed at random: each is taken or refused, and soon."""

import pytest
from mutated import KINDS, ends_well

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_of_each_kind(tmp_path, strings, kind):
    assert ends_well(tmp_path, strings, kind, range(1000)) > 100  # refusals
