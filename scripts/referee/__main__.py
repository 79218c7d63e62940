"""river as the referee of the row studies: the same figures anew, its learners and its detectors on the same rows.

Usage: .venv-referee/bin/python scripts/referee streams DIR
       .venv-referee/bin/python scripts/referee judge RESULT.json [--flows CSV] [--changes ROW...] [--json FILE]
       .venv-referee/bin/python scripts/referee learn CSV [--label COLUMN] [--first N] [--window N] [--rows N]
                                                [--only NAME...] [--json FILE]

`streams` writes river's phishing and shuttle as tables for `medulla-lab experiment caravan --set flows=CSV`. `judge`
reads what that experiment wrote with `--set said=true`, and has its figures anew and river's detectors beside its
trainings. `learn` has river's learners on the same rows (docs/results/2026-11-29-river.md has the commands).
`scripts/setup.sh --referee` makes the environment.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import detectors
import learners
import rows
from river import datasets, metrics


def write_streams(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, stream in (("phishing", datasets.Phishing()), ("shuttle", datasets.Shuttle())):
        with open(folder / f"{name}.csv", "w", newline="") as file:
            table = csv.writer(file)
            for place, (inputs, label) in enumerate(stream):
                if place == 0:
                    table.writerow([*inputs, "label"])
                table.writerow([*inputs.values(), int(label)])
        print(f"{folder}/{name}.csv: {place + 1} rows, {len(inputs)} inputs")


def recomputed(result: rows.Result) -> tuple[float, dict[str, list[float]]]:
    """The largest deviation from what the study reported, and river's figures by way."""
    figures: dict[str, list[float]] = {way: [] for way in rows.WAYS}
    worst = 0.0
    for run in result.runs:
        for way in rows.WAYS:
            score = metrics.MacroF1()
            for truth, said in zip(run.truth, run.said[way]):
                score.update(truth, said)
            figures[way].append(score.get())
            worst = max(worst, abs(score.get() - run.reported[way]))
    return worst, figures


def detected(result: rows.Result, features: list[list[float]], changes: list[int]) -> dict[str, dict]:
    """For each detector and for our trigger: alarms a seed, and its delay after the changes."""
    first, end = result.bootstrap, result.bootstrap + len(result.runs[0].truth)
    events = {"our trainings": [run.trainings for run in result.runs]}
    events["those by drift of inputs"] = [run.by_drift for run in result.runs]
    for way, names in (("triggered", list(detectors.DETECTORS)), ("offline", detectors.QUICK)):
        for name in names:
            events[f"{name}, {way} errors"] = [
                detectors.alarms(name, [int(a != b) for a, b in zip(run.truth, run.said[way])], first)
                for run in result.runs
            ]
    for name in detectors.OF_INPUTS:
        own = detectors.input_alarms(name, features)
        events[f"{name}, inputs"] = [[row for row in own if row > first]]
    table = {}
    for name, each in events.items():
        answers = [delay for own in each for delay in rows.delays(own, changes, end)] if changes else []
        limit = (end - changes[-1]) if changes else 0
        known = [delay for delay in answers if delay is not None]
        table[name] = {
            "alarms": statistics.fmean(len(own) for own in each),
            "first seed": each[0],
            "unanswered": len(answers) - len(known),
            "delay": statistics.fmean(limit if delay is None else delay for delay in answers) if answers else None,
        }
    return table


def judge(options: argparse.Namespace) -> None:
    result = rows.read_result(options.result)
    path = options.flows or result.plan["flows"]
    raw, labels = rows.read_rows(path, result.plan["label"], int(result.plan["rows"]))
    for run in result.runs:
        if run.truth != labels[result.bootstrap:]:
            raise rows.Unfit(f"the result's truths are not those of {path}")
    worst, figures = recomputed(result)
    print(f"{path}: {len(labels)} rows, {len(raw[0])} inputs, {len(result.runs)} seeds, first {result.bootstrap}")
    print(f"macro-F1 by river, off by at most {worst:.1e}")
    for way in rows.WAYS:
        line(way, len(figures[way]), mean(figures[way]))
    table = detected(result, rows.standardized(raw, result.bootstrap), options.changes)
    line("detector", "alarms", "mean delay", "unanswered", "first seed's")
    for name, own in table.items():
        delay = "" if own["delay"] is None else f"{own['delay']:.0f}"
        line(name, f"{own['alarms']:.1f}", delay, own["unanswered"], " ".join(map(str, own["first seed"][:14])))
    write(options.json, {"worst": worst, "ours": figures, "detectors": table})


def learn(options: argparse.Namespace) -> None:
    raw, labels = rows.read_rows(options.flows, options.label, options.rows)
    features = rows.standardized(raw, options.first)
    names = options.only or list(learners.LEARNERS)
    tasks = [(name, seed) for name in names for seed in learners.LEARNERS[name][1]]
    print(f"{options.flows}: {len(labels)} rows, first {options.first}, labels after {options.window}", flush=True)
    found: dict[str, list[float]] = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        pending = [
            pool.submit(learners.prequential, name, seed, features, labels, options.first, options.window)
            for name, seed in tasks
        ]
        for (name, seed), one in zip(tasks, pending):
            found.setdefault(name, []).append(one.result())
            if seed == learners.LEARNERS[name][1][-1]:
                print(f"| {name} | {len(found[name])} | {mean(found[name])} |", flush=True)
    write(options.json, found)


def write(path: str | None, content: object) -> None:
    if path:
        Path(path).write_text(json.dumps(content, indent=1))


def mean(values: list[float]) -> str:
    spread = f", {min(values):.3f} to {max(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.4f}{spread}"


def line(*fields: object) -> None:
    print("| " + " | ".join(map(str, fields)) + " |")


def main() -> int:
    parser = argparse.ArgumentParser(prog="referee", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    streams = commands.add_parser("streams")
    streams.add_argument("folder", type=Path)
    streams.set_defaults(run=lambda options: write_streams(options.folder))
    one = commands.add_parser("judge")
    one.add_argument("result")
    one.add_argument("--flows")
    one.add_argument("--changes", type=int, nargs="*", default=[])
    one.add_argument("--json")
    one.set_defaults(run=judge)
    other = commands.add_parser("learn")
    other.add_argument("flows")
    other.add_argument("--label", default="label")
    other.add_argument("--first", type=int, default=1_000)
    other.add_argument("--window", type=int, default=100)
    other.add_argument("--rows", type=int, default=0)
    other.add_argument("--only", nargs="*", choices=list(learners.LEARNERS))
    other.add_argument("--jobs", type=int, default=2)
    other.add_argument("--json")
    other.set_defaults(run=learn)
    options = parser.parse_args()
    try:
        options.run(options)
    except rows.Unfit as problem:
        print(f"referee: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
