"""What the referee reads, without river."""

from __future__ import annotations

import json
import math

import pytest

import rows


def result(**changes: object) -> dict:
    series = {"truth": [0, 1, 1], "retrain_rows": [1100], "drift_rows": []}
    series |= {f"{way}_said": [0, 1, 0] for way in rows.WAYS}
    run = {
        "cell": {"inputs": "behaviour", "order": "recorded", "window": 100}, "round": 1,
        "values": {f"{way}_f1": 0.5 for way in rows.WAYS}, "series": series | changes,
    }
    other = run | {"cell": run["cell"] | {"window": 50}}
    return {"environment": {"plan": {"seed": 1, "bootstrap": 1000, "rows": 0}}, "runs": [other, run]}


def test_a_result_gives_the_runs_of_one_window_with_their_seeds(tmp_path):
    (tmp_path / "caravan.json").write_text(json.dumps(result()))
    found = rows.read_result(tmp_path / "caravan.json")
    assert [run.seed for run in found.runs] == [2]
    assert found.bootstrap == 1000
    assert found.runs[0].said["offline"] == [0, 1, 0]
    assert found.runs[0].trainings == [1100]


@pytest.mark.parametrize("window, changes", [(200, {}), (100, {"offline_said": [0]})])
def test_what_does_not_fit_is_refused(tmp_path, window, changes):
    (tmp_path / "caravan.json").write_text(json.dumps(result(**changes)))
    with pytest.raises(rows.Unfit):
        rows.read_result(tmp_path / "caravan.json", window)


def test_a_result_without_what_was_said_names_the_setting(tmp_path):
    content = result()
    del content["runs"][1]["series"]["truth"]
    (tmp_path / "caravan.json").write_text(json.dumps(content))
    with pytest.raises(rows.Unfit, match="said=true"):
        rows.read_result(tmp_path / "caravan.json")


def test_a_known_layout_is_read_by_its_columns_and_another_whole(tmp_path):
    known = [*rows.CIC, "destination port", "label"]
    (tmp_path / "known.csv").write_text(",".join(known) + "\n" + "1," * (len(known) - 1) + "1.0\n")
    features, labels = rows.read_rows(tmp_path / "known.csv")
    assert (len(features[0]), labels) == (len(rows.CIC), [1])
    (tmp_path / "other.csv").write_text("a,Label,b\n-3,0,nan\n4,1,5\n")
    features, labels = rows.read_rows(tmp_path / "other.csv", "label", limit=1)
    assert (features, labels) == ([[-math.log(4), 0.0]], [0])


def test_standardization_knows_the_first_rows_alone():
    found = rows.standardized([[0.0], [2.0], [100.0], [1.0]], first=2)
    assert found == [[-1.0], [1.0], [4.0], [0.0]]


def test_macro_f1_is_over_the_classes_that_occur():
    assert rows.macro_f1([0, 0], [0, 0]) == 1
    assert rows.macro_f1([0, 1], [0, 0]) == pytest.approx((2 / 3 + 0) / 2)


def test_a_delay_ends_at_the_next_change():
    assert rows.delays([90, 150, 210, 230], [100, 200, 300], 400) == [50, 10, None]
