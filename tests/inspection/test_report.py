"""Text and records say the same, of one look and of several."""

import json
import re
from dataclasses import replace

from wavemore.estimator import StringModel
from wavemore.inspection import inspect, inspect_history
from wavemore.inspection.pictures import pictures_of
from wavemore.inspection.report import records_of, text_of
from wavemore.settings.config import Recipe

SOUND = (
    "nothing wants attention: no dead units, no saturated level, no vanishing gradient, no odd steps, "
    "no stale statistics"
)


def test_of_a_model_text_and_records_say_the_same(tiny_model, strings):
    found = inspect(tiny_model.file_, strings, list_name="syllables", chunk="ba", string="bado")
    text = "\n".join(text_of(found))
    records = list(json.loads(json.dumps(list(records_of(found)), allow_nan=False)))
    assert text.startswith(f"{len(set(strings))} strings of syllables, ")
    assert {record["what"] for record in records} == {
        "inspection",
        "activations",
        "parameter",
        "gradients",
        "norm",
        "embedding",
        "neighbours",
        "node",
        "prediction",
        "findings",
    }
    for record in records:
        if record["what"] == "parameter":
            assert re.search(rf"^{re.escape(record['name'])} .* {record['log10_update_to_weight']:.2f} ", text, re.M)
    assert text.endswith(SOUND)


def test_through_training_text_and_records_say_the_same(course):
    text = "\n".join(text_of(course))
    records = json.loads(json.dumps(list(records_of(course)), allow_nan=False))
    assert text.startswith("m: 90 steps, 4 looks inside, each at a step of training and on its batch\n")
    assert {record["what"] for record in records} == {
        *("inspection", "activations", "parameter", "gradients", "norm", "findings")
    }
    names = [parameter.name for parameter in course.looks[0].matrices]
    for name in names:
        ratios = [one["log10_update_to_weight"] for one in records if one.get("name") == name and "shape" in one]
        assert re.search(rf"^  {re.escape(name)} +{' +'.join(f'{ratio:.2f}' for ratio in ratios)}$", text, re.M)
    for level in (1, 2):
        shares = [one["saturated"]["tanh"] for one in records if one.get("level") == level]
        cells = " +".join(f"{share:.1%}" for share in shares)
        assert re.search(rf"^activations, tanh saturated(\n  .*)*\n  level {level}, 16 units +{cells}$", text, re.M)
    assert text.endswith(SOUND)


def test_a_run_that_goes_on_an_ensemble_and_a_baseline(strings, tiny_recipe, path):
    StringModel(tiny_recipe.with_settings({"model.members": 2, "train.form": "shared"})).fit(strings, record=path)
    whole = path.read_text().splitlines()
    last = max(i for i, line in enumerate(whole) if '"record": "inside"' in line)
    path.write_text("\n".join(whole[:last]) + '\n{"record": "ste')
    (course,) = inspect_history(path)
    heading = next(text_of(course))
    assert heading == (
        "m: 30 steps so far, of 60, 2 looks inside, each at a step of training and on its batch "
        "(the first of 2 networks)"
    )
    gru = Recipe.from_dict({"model": {"kind": "gru", "embedding": 4, "hidden": 8}, "train": {"steps": 40}})
    StringModel(gru).fit(strings, record=path)
    (course,) = inspect_history(path)
    assert course.looks[0].levels == ()
    assert course.findings == []
    *table, closing = text_of(course)
    assert "saturated" not in "\n".join(table)
    assert closing == (
        "nothing wants attention: no odd steps; dead units, saturation and gradients are looked at in levels alone"
    )
    assert [picture.name for picture in pictures_of(course)] == ["gradients", "gradient-sizes", "steps"]


def test_a_table_shows_all_looks_or_says_how_many(course):
    first = course.looks[0]
    few = replace(course, looks=tuple(first._replace(step=step) for step in range(1, 9)))
    heading, _, steps, *_ = text_of(few)
    assert heading == course.heading[0]
    assert steps.split() == ["step", *map(str, range(1, 9))]
    many = replace(course, looks=tuple(first._replace(step=1000000 * step) for step in range(1, 11)))
    heading, _, steps, *others = text_of(many)
    assert heading == f"{course.heading[0]}; 6 of 10 shown, --json has all"
    assert len(steps.split()) == 7
    assert max(map(len, others)) <= 120
