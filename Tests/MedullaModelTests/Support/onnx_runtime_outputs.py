"""Runs every NAME.onnx of a directory on NAME.input with ONNX Runtime and writes NAME.expected.

Inputs and outputs are raw little-endian float32. Several inputs in one file are run one after the other.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime


def run(path: pathlib.Path) -> None:
    onnx.checker.check_model(str(path))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in source.shape]
    kind = {"tensor(float16)": np.float16, "tensor(double)": np.float64}.get(source.type, np.float32)
    values = np.fromfile(path.with_suffix(".input"), dtype="<f4").reshape([-1] + shape)
    outputs = [session.run(None, {source.name: value.astype(kind)})[0] for value in values]
    flat = np.concatenate([output.astype("<f4").ravel() for output in outputs])
    flat.tofile(path.with_suffix(".expected"))


if __name__ == "__main__":
    for model in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
        run(model)
