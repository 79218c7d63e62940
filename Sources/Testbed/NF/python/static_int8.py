"""Quantizes an ONNX network to 8 bits with ONNX Runtime's own tools, on calibration inputs.

Weights by channel, activations by tensor (the tool's defaults otherwise); on processors without VNNI weights
keep 7 bits, since two products of 8 do not fit the 16 that their sum has there.

Usage: static_int8.py NETWORK.onnx CALIBRATION.npy OUT.onnx
"""

import sys

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

SAMPLES = 64


class Samples(CalibrationDataReader):
    def __init__(self, name, rows):
        self.rows = iter([{name: row[None].astype(np.float32)} for row in rows])

    def get_next(self):
        return next(self.rows, None)


def has_vnni():
    with open("/proc/cpuinfo") as file:
        return "vnni" in file.read()


def main():
    source, calibration, target = sys.argv[1:]
    entry = onnx.load(source, load_external_data=False).graph.input[0]
    shape = [size.dim_value for size in entry.type.tensor_type.shape.dim][1:]
    rows = np.load(calibration)[:SAMPLES].reshape(-1, *shape)
    quantize_static(
        source, target, Samples(entry.name, rows), per_channel=True, reduce_range=not has_vnni(),
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )


if __name__ == "__main__":
    main()
