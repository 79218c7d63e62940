"""Labels by a larger network: any ONNX model, through ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medulla.labeler import Answer, Labelled, Labeler, LabelGreeting, LabelRequest, Requests


class OnnxLabeler(Labeler):
    """An ONNX model's most probable class; it abstains where that is not probable enough.

    The daemon runs it by ``class: medulla.labeler:OnnxLabeler``. Options:

    ``model``       path of the ONNX file, which ``reads`` must allow under isolation
    ``confidence``  it abstains below it (default 0.5)
    ``inputs``      the names of the model's inputs in its order, features or facts (default: the network's)
    ``classes``     the names of its outputs in their order (default: the network's classes)
    ``outputs``     ``logits``, ``probabilities``, or ``auto``: what is at least 0 and sums to 1 are
                    probabilities (default)
    ``output``      the name of the output that is read (default: the first of floats with a row of all classes)
    ``threads``     of one inference (default 1)

    The model takes ``[n, inputs]`` and gives ``[n, classes]``, or ``[n, 1]`` for two classes: the probability,
    or the logit, of the second. A model that takes one row at a time is asked row by row.
    """

    def __init__(self, greeting: LabelGreeting) -> None:
        super().__init__(greeting)
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError("the labeler needs ONNX Runtime: pip install onnxruntime") from error
        options = greeting.options
        if not isinstance(options.get("model"), str):
            raise ValueError("the option `model` must be the path of an ONNX file")
        self.confidence = float(options.get("confidence", 0.5))
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"`confidence` is {self.confidence}, not 0 to 1")
        self.form = options.get("outputs", "auto")
        if self.form not in ("auto", "logits", "probabilities"):
            raise ValueError(f"`outputs` is {self.form!r}, not logits, probabilities or auto")
        self.inputs = list(options.get("inputs", greeting.features))
        self.classes = list(options.get("classes", greeting.classes))
        unknown = [name for name in self.classes if name not in greeting.classes]
        if unknown:
            raise ValueError(f"the network has no class {', '.join(unknown)}; it has {', '.join(greeting.classes)}")
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = int(options.get("threads", 1))
        settings.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            options["model"], settings, providers=["CPUExecutionProvider"])
        inputs = self.session.get_inputs()
        if len(inputs) != 1:
            raise ValueError(f"the model has {len(inputs)} inputs, not one")
        self.input = inputs[0]
        if self.input.type not in ("tensor(float)", "tensor(double)"):
            raise ValueError(f"the model's input is of {self.input.type}, not of floats")
        self.output = options.get("output") or self._find_output()
        width = self.input.shape[-1]
        if isinstance(width, int) and width != len(self.inputs):
            raise ValueError(f"the model takes {width} inputs, not {len(self.inputs)} ({', '.join(self.inputs)})")

    def _find_output(self) -> str:
        widths = (len(self.classes), 1 if len(self.classes) == 2 else len(self.classes))
        for output in self.session.get_outputs():
            if output.type in ("tensor(float)", "tensor(double)") and output.shape:
                if not isinstance(output.shape[-1], int) or output.shape[-1] in widths:
                    return output.name
        shapes = [(output.name, output.shape) for output in self.session.get_outputs()]
        raise ValueError(f"the model has no output of {len(self.classes)} classes, but {shapes}")

    def label(self, request: LabelRequest) -> Answer:
        values = request.features | request.facts
        missing = [name for name in self.inputs if name not in values]
        if missing:
            return None
        return self._answers(np.array([[values[name] for name in self.inputs]]))[0]

    def label_all(self, requests: Requests) -> Sequence[Answer]:
        columns = {name: requests.features[:, i] for i, name in enumerate(requests.feature_names)}
        columns |= {name: requests.facts[:, i] for i, name in enumerate(requests.fact_names)}
        if any(name not in columns for name in self.inputs):
            return [None] * len(requests)
        rows = np.stack([np.asarray(columns[name], np.float64) for name in self.inputs], axis=1)
        known = np.isfinite(rows).all(axis=1)
        answers: list[Answer] = [None] * len(rows)
        if known.any():
            for index, answer in zip(np.flatnonzero(known), self._answers(rows[known])):
                answers[index] = answer
        return answers

    def _answers(self, rows: np.ndarray) -> list[Answer]:
        probabilities = self._probabilities(rows)
        places = probabilities.argmax(axis=1)
        best = probabilities[np.arange(len(rows)), places]
        return [
            Labelled(self.classes[place], float(min(value, 1))) if value >= self.confidence else None
            for place, value in zip(places, best)
        ]

    def _probabilities(self, rows: np.ndarray) -> np.ndarray:
        kind = np.float32 if self.input.type == "tensor(float)" else np.float64
        rows = rows.astype(kind)
        if self.input.shape[0] == 1:
            parts = [self.session.run([self.output], {self.input.name: row[None, :]})[0] for row in rows]
            outputs = np.concatenate([np.reshape(part, (1, -1)) for part in parts])
        else:
            outputs = self.session.run([self.output], {self.input.name: rows})[0].reshape(len(rows), -1)
        outputs = outputs.astype(np.float64)
        if not np.isfinite(outputs).all():
            raise ValueError("the model gave NaN or infinity")
        if outputs.shape[1] == 1 and len(self.classes) == 2:
            second = outputs[:, 0]
            probable = ((second >= 0) & (second <= 1)).all()
            if self.form == "logits" or (self.form == "auto" and not probable):
                second = 0.5 * (1 + np.tanh(0.5 * second))
            return np.stack([1 - second, second], axis=1)
        if outputs.shape[1] != len(self.classes):
            raise ValueError(f"the model gave {outputs.shape[1]} outputs for {len(self.classes)} classes")
        sums = outputs.sum(axis=1)
        probable = (outputs >= 0).all() and np.allclose(sums, 1, atol=1e-3)
        if self.form == "logits" or (self.form == "auto" and not probable):
            outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            outputs /= outputs.sum(axis=1, keepdims=True)
        return outputs
