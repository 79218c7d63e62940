"""What a running fabric says of itself: its state, and for each network all that a client needs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medulla.fabric.cells import CELL_LIMIT, CHUNK_LIMIT, HEADER_BYTES, MASK_BYTES
from medulla.fabric.errors import BAD_INPUT, BAD_NAME, NOT_RUNNING, SYSTEM, UNKNOWN_MODEL, FabricError

RUN_FOLDER = Path("/run/medulla/fabric")
_NAME = re.compile(r"[0-9A-Za-z_-]{1,32}")
_STATE_VERSION = 2
_VERSION = 2
_STATE_LIMIT = 1 << 20
#: Some hundred thousand features, each with four numbers of up to twenty digits.
_DESCRIPTION_LIMIT = 1 << 26
_FEATURE_KEYS = ("low", "width", "multiplier", "bias")


@dataclass(frozen=True)
class Model:
    """A network that is on the fabric; ``plan`` is the folder of its files."""

    name: str
    number: int
    epoch: int
    plan: Path


@dataclass(frozen=True)
class State:
    """``slots``: inferences of a client at once; ``clients``: how many of them there can be."""

    fabric: str
    is_in_userspace: bool
    slots: int
    clients: int
    models: tuple[Model, ...]

    def demand_service(self) -> None:
        """Raises FabricError where the process is gone that the switches were in."""
        if not self.is_in_userspace:
            return
        with contextlib.suppress(FileNotFoundError), (folder(self.fabric) / "server.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return
        raise FabricError(
            NOT_RUNNING, f"the process that had the switches of the fabric {self.fabric} has ended",
            remedy=f"`medulla fabric down --name {self.fabric}` removes what it has left")

    def model(self, name: str | None) -> Model:
        """That of a name; without one the only one that there is. Raises FabricError."""
        found = [model for model in self.models if name is None or model.name == name]
        if len(found) == 1:
            return found[0]
        raise FabricError(
            BAD_INPUT if name is None else UNKNOWN_MODEL,
            "say which network" if name is None else f"the fabric {self.fabric} has no network {name}",
            remedy=f"it has {', '.join(model.name for model in self.models) or 'none'}")


def folder(fabric: str) -> Path:
    """Where a fabric's files are. Raises FabricError for what cannot name one."""
    if not _NAME.fullmatch(fabric):
        raise FabricError(
            BAD_NAME, f"{fabric!r} cannot name a fabric", remedy="use up to 32 letters, digits, - and _")
    return RUN_FOLDER / fabric


def read_state(fabric: str) -> State:
    """The fabric's state as it is now. Raises FabricError when there is no such fabric."""
    path = folder(fabric) / "state.json"
    try:
        found = _read(path, _STATE_LIMIT)
        if found["stateVersion"] != _STATE_VERSION:
            raise ValueError(f"its version is {found['stateVersion']}, not {_STATE_VERSION}")
        models = tuple(
            Model(str(model["name"]), int(model["number"]), int(model["epoch"]), Path(model["plan"]))
            for model in found["models"])
        return State(fabric, found["datapath"] == "userspace", int(found["room"]["slots"]), int(found["room"]["clients"]), models)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FabricError(
            NOT_RUNNING, f"there is no fabric {fabric}",
            cause="" if isinstance(error, FileNotFoundError) else f"{path}: {_said(error)}",
            remedy="`medulla fabric up PLAN` starts one") from error


@dataclass(frozen=True)
class Description:
    """A network as its clients see it (``client.json``). ``low`` to ``bias`` have an int64 for each feature;
    ``input_cells`` the features of each cell, ``answer_cells`` the outputs of each cell of the answer."""

    name: str
    model: int
    epoch: int
    slots: int
    clients: int
    stages: int
    payload_bytes: int
    element_bytes: int
    inputs: int
    outputs: int
    low: np.ndarray
    width: np.ndarray
    multiplier: np.ndarray
    bias: np.ndarray
    shift: int
    fraction_bits: int
    input_cells: tuple[np.ndarray, ...]
    answer_cells: tuple[np.ndarray, ...]
    output_fraction_bits: int
    #: Where the network ends with argmax: its output divided by this is the class.
    label_unit: int | None

    @property
    def cell_bytes(self) -> int:
        return HEADER_BYTES + self.payload_bytes

    def labels(self, integers: np.ndarray) -> np.ndarray:
        """The class of each row of outputs ``[n, outputs]``: what argmax says, else the largest's place."""
        if self.label_unit is not None:
            unit = max(self.label_unit, 1)
            return np.sign(integers[:, 0]) * (np.abs(integers[:, 0]) // unit)
        return integers.argmax(axis=1)

    def values(self, integers: np.ndarray) -> np.ndarray:
        """Outputs in the network's units, of float64."""
        return np.ldexp(integers.astype(np.float64), -self.output_fraction_bits)


def read_description(model: Model) -> Description:
    """A network's description as its plan's folder has it. Raises FabricError when it cannot be read."""
    file = model.plan / "client.json"
    try:
        return parse_description(_read(file, _DESCRIPTION_LIMIT), model.epoch)
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise FabricError(
            SYSTEM, f"{file} cannot be read", cause=_said(error),
            remedy="start the fabric with a medulla of this package's version") from error


def parse_description(found: dict[str, Any], epoch: int) -> Description:
    """The description that JSON holds, of a network's epoch. Raises ValueError, KeyError or TypeError where it is none."""
    if found["version"] != _VERSION:
        raise ValueError(f"its version is {found['version']}, not {_VERSION}")
    features = found["features"]
    made = Description(
        name=str(found["name"]), model=int(found["model"]), epoch=epoch & 0xFFFF,
        slots=int(found["slots"]), clients=int(found["clients"]), stages=int(found["stages"]),
        payload_bytes=int(found["payloadBytes"]), element_bytes=int(found["elementBytes"]),
        inputs=int(found["inputs"]), outputs=int(found["outputs"]),
        **{key: np.array(features[key], np.int64) for key in _FEATURE_KEYS},
        shift=int(features["shift"]), fraction_bits=int(features["fractionBits"]),
        input_cells=tuple(np.array(cell, np.int64) for cell in found["inputCells"]),
        answer_cells=tuple(np.array(cell, np.int64) for cell in found["answerCells"]),
        output_fraction_bits=int(found["outputFractionBits"]),
        label_unit=None if found.get("labelUnit") is None else int(found["labelUnit"]))
    _check(made)
    return made


def _check(made: Description) -> None:
    """That no number leads outside a frame, a row or the room of a client."""
    cells = (
        ("inputs", made.input_cells, made.inputs, made.element_bytes),
        ("outputs", made.answer_cells, made.outputs, 8))
    rules: list[tuple[bool, str]] = [
        (made.slots > 0 and made.clients > 0 and made.stages > 0, "it has no room for clients, or no stages"),
        (MASK_BYTES <= made.payload_bytes <= CELL_LIMIT - HEADER_BYTES,
         f"cells of {made.payload_bytes} bytes"),
        (made.element_bytes in (1, 2, 4, 8), f"activations of {made.element_bytes} bytes"),
        (0 <= made.shift < 64 and 0 <= made.fraction_bits < 64, "a shift outside 0 to 63"),
        (all(len(getattr(made, key)) == made.inputs for key in _FEATURE_KEYS), "numbers of other features"),
    ]
    for name, parts, count, size in cells:
        places = np.concatenate([*parts, np.zeros(0, np.int64)])
        rules += [
            (1 <= len(parts) <= CHUNK_LIMIT, f"{len(parts)} cells of {name}"),
            (all(part.size * size <= made.payload_bytes for part in parts), f"a cell of {name} is too large"),
            (np.array_equal(np.sort(places), np.arange(count)),
             f"the cells have not each of {count} {name} once"),
        ]
    for holds, message in rules:
        if not holds:
            raise ValueError(message)


def _read(path: Path, limit: int) -> dict[str, Any]:
    with path.open("rb") as file:
        text = file.read(limit + 1)
    if len(text) > limit:
        raise ValueError(f"it is larger than {limit} bytes")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def _said(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


