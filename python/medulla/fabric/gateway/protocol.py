"""The open inference protocol's requests and answers: bytes in, rows out, and back. No socket, no fabric.

An answer's or request's body is JSON, or JSON followed by the bytes of its binary tensors; then the header
``Inference-Header-Content-Length`` says how long the JSON is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from medulla.fabric.client import FabricAnswers
from medulla.fabric.gateway.pool import Network

INPUT = "input"
#: The types that an input may have, little-endian as the protocol has them.
_INPUT_TYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "FP64": np.dtype("<f8")}
#: Names and types of outputs, in their order.
OUTPUTS: dict[str, tuple[str, np.dtype[Any]]] = {
    "outputs": ("FP64", np.dtype("<f8")), "label": ("INT32", np.dtype("<i4"))}
_RANK_LIMIT = 8
_WANTED_LIMIT = 16
_ID_LIMIT = 1024


class RequestError(Exception):
    """What a request is answered instead: an HTTP status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


@dataclass(frozen=True)
class Wanted:
    name: str
    is_binary: bool


@dataclass(frozen=True)
class InferRequest:
    """``rows`` is ``[n, inputs]``, FP32 or FP64 as it was sent; ``id`` comes back in the answer."""

    id: str | None
    rows: np.ndarray
    wanted: tuple[Wanted, ...]


def server_metadata(version: str) -> dict[str, Any]:
    return {"name": "medulla-fabric", "version": version, "extensions": ["binary_tensor_data"]}


def model_metadata(network: Network) -> dict[str, Any]:
    shapes = {"outputs": [-1, network.outputs], "label": [-1]}
    return {
        "name": network.name, "versions": [str(network.epoch)], "platform": "medulla-fabric",
        "inputs": [{"name": INPUT, "datatype": "FP32", "shape": [-1, network.inputs]}],
        "outputs": [
            {"name": name, "datatype": kind, "shape": shapes[name]} for name, (kind, _) in OUTPUTS.items()],
    }


def parse(body: bytes, json_length: str | None, network: Network) -> InferRequest:
    """The request that a body holds; ``json_length`` is the header's text. Raises RequestError (400)."""
    length = len(body)
    if json_length is not None:
        if not json_length.isascii() or not json_length.isdigit() or int(json_length[:20]) > len(body):
            raise RequestError(
                400, f"Inference-Header-Content-Length is {json_length[:40]!r} of a body of {length} bytes")
        length = int(json_length)
    fields = _object(body[:length])
    identifier = fields.get("id")
    if identifier is not None and (not isinstance(identifier, str) or len(identifier) > _ID_LIMIT):
        raise RequestError(400, f"`id` must be a string of at most {_ID_LIMIT} characters")
    inputs = fields.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise RequestError(400, f"`inputs` must be a list of one tensor, which is named {INPUT!r}")
    rows = _rows(inputs[0], body[length:], network)
    are_binary = _flag(_parameters(fields, "the request"), "binary_data_output")
    return InferRequest(identifier, rows, _wanted(fields.get("outputs"), are_binary))


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is no JSON: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise RequestError(400, "the body is no JSON object")
    return found


def _parameters(holder: dict[str, Any], whose: str) -> dict[str, Any]:
    found = holder.get("parameters", {})
    if not isinstance(found, dict):
        raise RequestError(400, f"`parameters` of {whose} must be an object")
    if "shared_memory_region" in found:
        raise RequestError(400, "shared memory is not offered: send data as JSON or as binary tensors")
    return found


def _flag(parameters: dict[str, Any], name: str) -> bool:
    found = parameters.get(name, False)
    if not isinstance(found, bool):
        raise RequestError(400, f"`{name}` must be true or false")
    return found


def _rows(tensor: dict[str, Any], binary: bytes, network: Network) -> np.ndarray:
    if tensor.get("name") != INPUT:
        raise RequestError(400, f"{network.name} has no input {_short(tensor.get('name'))}; it has {INPUT!r}")
    kind = tensor.get("datatype")
    if not isinstance(kind, str) or kind not in _INPUT_TYPES:
        raise RequestError(400, f"`datatype` is {_short(kind)}; {INPUT!r} takes {' or '.join(_INPUT_TYPES)}")
    shape = _shape(tensor.get("shape"), network)
    count = shape[0] * network.inputs
    size = _parameters(tensor, INPUT).get("binary_data_size")
    if size is None:
        if binary:
            raise RequestError(400, f"{len(binary)} bytes follow the JSON, and no tensor claims them")
        data = _json_data(tensor.get("data"), _INPUT_TYPES[kind])
    else:
        data = _binary_data(tensor, size, binary, _INPUT_TYPES[kind])
    if data.size != count:
        raise RequestError(400, f"{INPUT!r} has {data.size} numbers, and its shape {shape} says {count}")
    if not np.isfinite(data).all():
        raise RequestError(400, f"{INPUT!r} has NaN, infinity, or a number too large for {kind}")
    return data.reshape(shape[0], network.inputs)


def _shape(found: Any, network: Network) -> list[int]:
    if not isinstance(found, list) or not 2 <= len(found) <= _RANK_LIMIT or not all(
            type(size) is int and 0 < size < 1 << 31 for size in found):
        raise RequestError(400, f"`shape` is {_short(found)}; {network.name} takes [rows, {network.inputs}]")
    elements = 1
    for size in found[1:]:
        elements *= size
    if elements != network.inputs:
        raise RequestError(400, f"`shape` is {_short(found)}; {network.name} takes [rows, {network.inputs}]")
    return list(found)


def _json_data(found: Any, kind: np.dtype[Any]) -> np.ndarray:
    """Numbers row by row, in one list or nested as the shape is."""
    if not isinstance(found, list):
        raise RequestError(400, f"{INPUT!r} needs `data`, a list of numbers, or `binary_data_size`")
    try:
        data = np.asarray(found)
    except (ValueError, OverflowError) as error:
        raise RequestError(400, "`data` is no list of numbers with rows of one length") from error
    if data.dtype.kind not in "fiu":
        raise RequestError(400, "`data` has something that is no number")
    with np.errstate(over="ignore"):
        return data.astype(kind).reshape(-1)


def _binary_data(tensor: dict[str, Any], size: Any, binary: bytes, kind: np.dtype[Any]) -> np.ndarray:
    if type(size) is not int or size != len(binary):
        raise RequestError(
            400, f"`binary_data_size` is {_short(size)}, and {len(binary)} bytes follow the JSON")
    if "data" in tensor:
        raise RequestError(400, f"{INPUT!r} has `data` and `binary_data_size`; one of them says all")
    if size % kind.itemsize:
        raise RequestError(400, f"{size} bytes are not a whole number of {tensor['datatype']}")
    return np.frombuffer(binary, kind)


def _wanted(found: Any, are_binary: bool) -> tuple[Wanted, ...]:
    """Which outputs an answer has, in the order in which they are asked for; all when none is named."""
    if found is None or found == []:
        return tuple(Wanted(name, are_binary) for name in OUTPUTS)
    if not isinstance(found, list) or len(found) > _WANTED_LIMIT:
        raise RequestError(400, "`outputs` must be a list of outputs")
    wanted: list[Wanted] = []
    for output in found:
        name = output.get("name") if isinstance(output, dict) else output
        if not isinstance(output, dict) or not isinstance(name, str) or name not in OUTPUTS:
            raise RequestError(400, f"there is no output {_short(name)}; there are {', '.join(OUTPUTS)}")
        if any(other.name == name for other in wanted):
            raise RequestError(400, f"the output {name} is asked for twice")
        parameters = _parameters(output, name)
        if parameters.get("classification"):
            raise RequestError(400, "classification is not offered: the output `label` has the class")
        wanted.append(Wanted(name, _flag({"binary_data": are_binary, **parameters}, "binary_data")))
    return tuple(wanted)


def answer(
    request: InferRequest, network: Network, epoch: int, answers: FabricAnswers,
) -> tuple[bytes, int | None]:
    """The body of an answer, and how long its JSON is where binary tensors follow."""
    values = {"outputs": answers.outputs, "label": answers.labels}
    tensors: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for wanted in request.wanted:
        kind, dtype = OUTPUTS[wanted.name]
        array = np.ascontiguousarray(values[wanted.name], dtype)
        tensor: dict[str, Any] = {"name": wanted.name, "datatype": kind, "shape": list(array.shape)}
        if wanted.is_binary:
            parts.append(array.tobytes())
            tensor["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            tensor["data"] = array.reshape(-1).tolist()
        tensors.append(tensor)
    fields: dict[str, Any] = {"model_name": network.name, "model_version": str(epoch), "outputs": tensors}
    if request.id is not None:
        fields["id"] = request.id
    text = json.dumps(fields).encode()
    return text + b"".join(parts), len(text) if parts else None


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
