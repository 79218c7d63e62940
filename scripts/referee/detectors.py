"""river's drift detectors on the errors of a network, and on its inputs."""

from __future__ import annotations

from collections.abc import Callable

from river import base, drift
from river.drift import binary

DETECTORS: dict[str, Callable[[], base.DriftDetector]] = {
    "ADWIN": lambda: drift.ADWIN(),
    "Page-Hinkley": lambda: drift.PageHinkley(),
    "KSWIN": lambda: drift.KSWIN(seed=1),
    "DDM": lambda: binary.DDM(),
    "EDDM": lambda: binary.EDDM(),
    "FHDDM": lambda: binary.FHDDM(),
    "HDDM-A": lambda: binary.HDDMA(),
    "HDDM-W": lambda: binary.HDDMW(),
}
#: KSWIN compares distributions at each value, which takes minutes.
QUICK = [name for name in DETECTORS if name != "KSWIN"]
OF_INPUTS = ["ADWIN", "Page-Hinkley"]


def alarms(name: str, errors: list[int], first: int) -> list[int]:
    """Rows that have been seen when the detector says drift; the first error is of row `first`."""
    detector, rows = DETECTORS[name](), []
    for place, error in enumerate(errors):
        detector.update(error)
        if detector.drift_detected:
            rows.append(first + place + 1)
    return rows


def input_alarms(name: str, features: list[list[float]]) -> list[int]:
    """The same of inputs, from the first row on: a detector for each, and any of them says it."""
    detectors, rows = [DETECTORS[name]() for _ in features[0]], []
    for place, row in enumerate(features):
        for detector, value in zip(detectors, row):
            detector.update(value)
        if any(detector.drift_detected for detector in detectors):
            rows.append(place + 1)
    return rows
