"""Results of the row studies and the rows they are about, as a referee reads them. Needs the standard library alone."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path

#: Columns that the studies read, without the port (`FlowRows.swift`); of another table all but the label.
CIC = [
    "protocol", "flow duration", "total fwd packets", "total backward packets", "total length of fwd packets",
    "total length of bwd packets", "fwd packet length max", "bwd packet length max", "flow bytes/s",
    "flow packets/s", "flow iat mean", "flow iat max", "fwd iat mean", "init_win_bytes_forward",
    "init_win_bytes_backward",
]
UNSW = [
    "dur", "proto", "sbytes", "dbytes", "sttl", "dttl", "sload", "dload", "spkts", "dpkts", "smean", "dmean",
    "sinpkt", "dinpkt", "tcprtt", "synack", "ackdat", "ct_src_ltm", "ct_dst_ltm", "ct_dst_src_ltm",
]
WAYS = ["offline", "continuous", "triggered"]
#: As in `Standardization.swift`.
LEAST_DEVIATION, CLIP = 0.1, 4.0


class Unfit(Exception):
    """A file does not hold what the referee needs."""


@dataclass
class Run:
    """One seed's run of a study: what it reported, and what was said of each scored row."""

    seed: int
    reported: dict[str, float]
    said: dict[str, list[int]]
    truth: list[int]
    trainings: list[int]
    by_drift: list[int]


@dataclass
class Result:
    """A study's result file: the plan, and the runs without the port, as recorded, in one window."""

    plan: dict
    window: int
    runs: list[Run]

    @property
    def bootstrap(self) -> int:
        return int(self.plan["bootstrap"])


def read_result(path: str | Path, window: int = 100) -> Result:
    """The runs of `medulla-lab experiment caravan --set said=true` with this window."""
    content = json.loads(Path(path).read_text())
    try:
        plan = content["environment"]["plan"]
        wanted = {"inputs": "behaviour", "order": "recorded", "window": window}
        own = [run for run in content["runs"] if run["cell"] == wanted]
        runs = [_run(run, int(plan["seed"])) for run in own]
    except KeyError as missing:
        raise Unfit(f"{path} has no {missing}: run the study with --set said=true --json --out DIR") from None
    if not runs:
        raise Unfit(f"{path} has no run without port, as recorded, in windows of {window}")
    return Result(plan, window, runs)


def _run(run: dict, first: int) -> Run:
    series = run["series"]
    whole = lambda key: [int(value) for value in series[key]]  # noqa: E731
    truth, said = whole("truth"), {way: whole(f"{way}_said") for way in WAYS}
    if any(len(own) != len(truth) for own in said.values()):
        raise Unfit("a run says something of fewer or more rows than it has truths")
    reported = {way: run["values"][f"{way}_f1"] for way in WAYS}
    return Run(run["round"] + first, reported, said, truth, whole("retrain_rows"), whole("drift_rows"))


def read_rows(path: str | Path, label: str = "label", limit: int = 0) -> tuple[list[list[float]], list[int]]:
    """Compressed features and labels, as the studies read them."""
    with open(path, newline="") as file:
        table = csv.reader(file)
        columns = [name.strip().lower() for name in next(table)]
        names = next((own for own in (CIC, UNSW) if set(own) <= set(columns)), None)
        names = names or [name for name in columns if name and name != label.lower()]
        if label.lower() not in columns:
            raise Unfit(f"{path} has no column {label}")
        places, own = [columns.index(name) for name in names], columns.index(label.lower())
        features, labels = [], []
        for fields in table:
            if limit and len(labels) == limit:
                break
            features.append([compressed(float(fields[place])) for place in places])
            labels.append(int(float(fields[own])))
    return features, labels


def compressed(value: float) -> float:
    """sign(x) · ln(1 + |x|); not a number counts as 0."""
    if math.isnan(value):
        return 0.0
    return math.copysign(math.log1p(min(abs(value), 1e30)), value)


def standardized(features: list[list[float]], first: int) -> list[list[float]]:
    """By mean and deviation of the first rows alone, cut at ±4 deviations."""
    past = features[:first]
    scale = []
    for column in zip(*past):
        mean = math.fsum(column) / len(column)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in column) / len(column))
        scale.append((mean, max(deviation, LEAST_DEVIATION)))
    return [
        [min(max((value - mean) / deviation, -CLIP), CLIP) for value, (mean, deviation) in zip(row, scale)]
        for row in features
    ]


def macro_f1(truth: list[int], said: list[int]) -> float:
    """Over the classes that occur."""
    each = []
    for own in sorted(set(truth) | set(said)):
        hits = sum(1 for is_, was in zip(truth, said) if is_ == was == own)
        each.append(2 * hits / (truth.count(own) + said.count(own)))
    return sum(each) / len(each)


def delays(events: list[int], changes: list[int], end: int) -> list[int | None]:
    """Rows from each change to the first event before the next; None where there is none."""
    answers: list[int | None] = []
    for change, after in zip(changes, changes[1:] + [end]):
        own = [row for row in events if change < row <= after]
        answers.append(own[0] - change if own else None)
    return answers
