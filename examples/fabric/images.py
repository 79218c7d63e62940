#!/usr/bin/env python3
"""Makes of Fashion-MNIST what the demonstration of a fabric needs, with nothing but Python's own library.

Images are padded by two pixels on each side, and the same in each of three colours: bytes, 3 x 32 x 32.
Writes to the folder OUT
    calibration.npy   images of the training set, chosen by the seed
    test.npy          the first images of the test set, and
    test-labels.txt   their classes, one a line
    classes.txt       the names of the classes

    images.py OUT [--folder DIR] [--calibration N] [--images N] [--seed N]
    images.py --show FILE.npy [N]     draws an image of such a file in the terminal
"""
import argparse
import gzip
import pathlib
import random
import re

FASHION_FOLDER = "/usr/share/datasets/fashion-mnist"
FASHION_CLASSES = "T-shirt trousers pullover dress coat sandal shirt sneaker bag boot".split()
SIDE, PADDED, COLOURS = 28, 32, 3
SHADES = " .:-=+*#%@"


def idx(path, header):
    """What follows the header of a file in the IDX format of MNIST."""
    return gzip.decompress(path.read_bytes())[header:]


def padded(image):
    edge = (PADDED - SIDE) // 2
    rows = [image[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE)]
    empty = [bytes(PADDED)] * edge
    plane = b"".join(empty + [bytes(edge) + row + bytes(edge) for row in rows] + empty)
    return plane * COLOURS


def images(folder, part, places):
    whole = idx(folder / f"{part}-images-idx3-ubyte.gz", 16)
    return [padded(whole[place * SIDE * SIDE : (place + 1) * SIDE * SIDE]) for place in places]


def npy(rows):
    """The bytes of a NumPy file of images."""
    shape = (len(rows), COLOURS, PADDED, PADDED)
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + b"".join(rows)


def show(path, number):
    data = path.read_bytes()
    start = 10 + int.from_bytes(data[8:10], "little")
    if not re.search(rb"'\|u1'.*\(\d+, 3, 32, 32\)", data[:start]):
        raise SystemExit(f"{path} does not hold images of bytes, 3 x 32 x 32")
    plane = data[start + number * COLOURS * PADDED**2 :][: PADDED**2]
    if len(plane) < PADDED**2:
        raise SystemExit(f"{path} has no image {number}")
    for row in range(0, PADDED, 2):
        pairs = zip(plane[row * PADDED :][:PADDED], plane[(row + 1) * PADDED :][:PADDED])
        print("".join(SHADES[(upper + lower) * len(SHADES) // 512] for upper, lower in pairs).rstrip())


def main():
    options = argparse.ArgumentParser(description="Makes images of Fashion-MNIST for the fabric.")
    options.add_argument("out", type=pathlib.Path)
    options.add_argument("number", type=int, nargs="?", default=0, help="with --show, which image")
    options.add_argument("--show", action="store_true", help="draw an image of the file OUT")
    options.add_argument("--folder", type=pathlib.Path, default=FASHION_FOLDER)
    options.add_argument("--calibration", type=int, default=256)
    options.add_argument("--images", type=int, default=256)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    if options.show:
        return show(options.out, options.number)
    if not options.folder.is_dir():
        raise SystemExit(f"{options.folder}: there are no data. Install Debian's dataset-fashion-mnist.")

    options.out.mkdir(parents=True, exist_ok=True)
    count = len(idx(options.folder / "train-labels-idx1-ubyte.gz", 8))
    chosen = random.Random(options.seed).sample(range(count), options.calibration)
    (options.out / "calibration.npy").write_bytes(npy(images(options.folder, "train", chosen)))
    (options.out / "test.npy").write_bytes(npy(images(options.folder, "t10k", range(options.images))))
    labels = idx(options.folder / "t10k-labels-idx1-ubyte.gz", 8)[: options.images]
    (options.out / "test-labels.txt").write_text("".join(f"{label}\n" for label in labels))
    (options.out / "classes.txt").write_text("".join(f"{name}\n" for name in FASHION_CLASSES))


if __name__ == "__main__":
    main()
