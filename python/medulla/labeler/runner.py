"""Runs a labeler's class for the daemon: ``python -m medulla.labeler module:Class``."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

import numpy as np

from medulla import channel
from medulla.channel import PROTOCOL, Responder
from medulla.frames import Frame
from medulla.labeler import Flow, Labelled, Labeler, LabelGreeting, Requests

ROLE = "labeler"


class LabelerError(channel.ContractError):
    """The class does not keep the contract."""


def load(name: str) -> type[Labeler]:
    """The class ``module:Class``; modules of the working directory are found too."""
    return channel.load(name, Labeler, LabelerError)


class Runner(Responder):
    """Answers requests with a labeler of the class ``name``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.labeler: Labeler | None = None
        self.greeting: LabelGreeting | None = None

    def dispatch(self, request: Frame, report: Any) -> Frame:
        kind = request.fields.get("request")
        if kind == "hello":
            return self._hello(request, report)
        if self.labeler is None or self.greeting is None:
            raise LabelerError(f"{kind!r} before hello")
        if kind == "label":
            requests = self._requests(request)
            return self._answer(requests, self.labeler.label_all(requests))
        if kind == "close":
            self.labeler.close()
            return Frame({})
        raise LabelerError(f"an unknown request {kind!r}")

    def _hello(self, request: Frame, report: Any) -> Frame:
        fields = request.fields
        if fields.get("protocol") != PROTOCOL:
            raise LabelerError(f"the daemon speaks protocol {fields.get('protocol')}, this package {PROTOCOL}")
        if fields.get("role") != ROLE:
            raise LabelerError("the daemon wants an adapter: python -m medulla.adapter runs those")
        greeting = LabelGreeting(
            function=fields["function"], classes=list(fields["classes"]), features=list(fields["features"]),
            options=dict(fields.get("options", {})))
        if report is not None:
            greeting.report = report
        self.greeting = greeting
        self.labeler = load(self.name)(greeting)
        return Frame({"protocol": PROTOCOL, "role": ROLE, "name": self.name})

    def _requests(self, request: Frame) -> Requests:
        assert self.greeting is not None
        tensors = request.tensors
        count = len(tensors["id"])
        facts = np.zeros((count, 0))
        if "facts" in tensors:
            facts = tensors["facts"].astype("<u8").view("<f8")
        return Requests(
            id=tensors["id"], time=tensors["time"], features=tensors["features"],
            prediction=tensors["prediction"], margin=tensors["margin"], facts=facts,
            fact_names=list(request.fields.get("facts", [])), feature_names=self.greeting.features,
            classes=self.greeting.classes, flows=_flows(tensors, count))

    def _answer(self, requests: Requests, answers: Any) -> Frame:
        answers = list(answers)
        identifiers, places, confidences = [], [], []
        for index, answer in enumerate(answers):
            labelled = answer if isinstance(answer, Labelled) else Labelled(answer)
            if labelled.id is None and index >= len(requests):
                raise LabelerError(f"label gave {len(answers)} answers to {len(requests)} requests")
            confidence = float(labelled.confidence)
            if not 0 <= confidence <= 1:
                raise LabelerError(f"label gave the confidence {confidence}, not 0 to 1")
            identifiers.append(int(requests.id[index]) if labelled.id is None else labelled.id)
            places.append(self._place(labelled.label))
            confidences.append(confidence)
        return Frame({}, {
            "id": np.array(identifiers, np.uint64), "label": np.array(places, np.float32),
            "confidence": np.array(confidences, np.float32),
        })

    def _place(self, label: Any) -> int:
        assert self.greeting is not None
        classes = self.greeting.classes
        if label is None:
            return -1
        if isinstance(label, str):
            if label not in classes:
                raise LabelerError(f"label gave {label!r}, which is none of {', '.join(classes)}")
            return classes.index(label)
        if isinstance(label, (int, np.integer)) and not isinstance(label, bool) and 0 <= label < len(classes):
            return int(label)
        raise LabelerError(f"label gave {label!r}, no class of 0 to {len(classes) - 1}")


def _flows(tensors: dict[str, np.ndarray], count: int) -> list[Flow | None]:
    if "source" not in tensors:
        return [None] * count
    flows: list[Flow | None] = []
    for index in range(count):
        source, destination = (_address(tensors[end][index]) for end in ("source", "destination"))
        ports = tensors["ports"][index]
        transport = int(tensors["transport"][index])
        there = transport or int(source) or int(destination)
        flows.append(Flow(source, destination, int(ports[0]), int(ports[1]), transport) if there else None)
    return flows


def _address(data: np.ndarray) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.IPv6Address(data.tobytes())
    return address.ipv4_mapped or address


def main(arguments: Sequence[str] | None = None) -> int:
    return channel.run(
        "medulla.labeler", "Run a labeler's class for the Medulla daemon.", load, Runner, arguments)
