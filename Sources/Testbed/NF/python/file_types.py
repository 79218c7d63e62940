"""Writes files of many types into a folder, and what the package magika shows its network of each and says.

`answers.json` has a list of {file, answers: {mode: [network's type, type, score, reason]}}; `rows.bin` the
values that the network is shown of each, in that order, as int32: zeros for files that it is not shown.

Usage: file_types.py FOLDER SEED
"""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import struct
import sys
import sysconfig
import tarfile
import zipfile
import zlib
from pathlib import Path

import magika
import numpy as np
from magika import ContentTypeLabel, Magika, PredictionMode
from magika.types import Seekable

PACKAGED_FILES = 110
SIZES = [0, 1, 7, 8, 9, 1023, 1024, 1025, 2048, 4095, 4096, 4097, 8191, 8192, 8193, 20_000]
ENDINGS = 4  # files of one ending, at most


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([row, 255 - row, 7] * 16) for row in range(16))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


def archive(kind):
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("hello.txt", "hello " * 400)
    else:
        with tarfile.open(fileobj=buffer, mode="w") as file:
            entry = tarfile.TarInfo("hello.txt")
            entry.size = 2400
            file.addfile(entry, io.BytesIO(b"hello " * 400))
    return buffer.getvalue()


def written():
    """Files by hand, many of them at the edges of the rule."""
    text = "The quick brown fox jumps over the lazy dog.\n" * 40
    program = "import os\n\n\ndef main(path):\n    for name in os.listdir(path):\n        print(name)\n" * 9
    files = {
        "empty": b"", "one": b"a", "seven": b"seven b", "seven_odd": b"\xff" * 7, "eight": b"eight by",
        "eight_in_space": b"  \t\n eight by \r\n\x0b\x0c ", "seven_in_space": b"   seven b   ",
        "space": b" \n\t" * 1000, "odd_in_space": b" " * 50 + b"\xfe\xff\xfe",
        "control": b"\x1c\x1d\x1e\x1f\x85\xa0" * 30, "nul": b"\0" * 5000,
        "letters_cut": b" " * 4095 + "é".encode() + b" " * 20, "letters": "é".encode() * 3,
        "letters_wrong": "é".encode("latin-1") * 3, "late": b"\n" * 4000 + program.encode(),
        "too_late": b"\n" * 4096 + program.encode(), "late_end": program.encode() + b" " * 4096,
        "text.txt": text.encode(), "text16.txt": text.encode("utf-16"), "program.py": program.encode(),
        "page.html": b"<!DOCTYPE html>\n<html><head><title>x</title></head><body><p>" + text.encode()
        + b"</p></body></html>\n",
        "data.json": json.dumps([{"name": f"n{i}", "value": i * 1.5} for i in range(60)], indent=1).encode(),
        "data.xml": b"<?xml version=\"1.0\"?>\n<root>" + b"<item a=\"1\">text</item>\n" * 60 + b"</root>\n",
        "data.csv": b"time,source,bytes\n" + b"".join(
            b"%d,10.0.0.%d,%d\n" % (i, i, i * 9) for i in range(90)),
        "style.css": b"body { margin: 0; color: #333; }\n.a > p { font-size: 12px; }\n" * 20,
        "code.js": b"'use strict';\nconst f = (a) => a.map((x) => x * 2);\nmodule.exports = { f };\n" * 15,
        "code.c": b"#include <stdio.h>\n\nint main(void)\n{\n\tprintf(\"hello\\n\");\n\treturn 0;\n}\n" * 9,
        "script.sh": b"#!/bin/bash\nset -euo pipefail\nfor f in *.txt; do echo \"$f\"; done\n" * 12,
        "page.md": b"# Title\n\nSome *text* with [links](https://example.org).\n\n- one\n- two\n\n" * 12,
        "conf.yaml": b"name: test\nitems:\n  - one\n  - two\nnested:\n  key: value\n" * 15,
        "conf.ini": b"[section]\nkey = value\nother = 3\n\n" * 20, "image.png": png(),
        "page.pdf": b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" * 20 + b"%%EOF\n",
        "image.gif": b"GIF89a\x10\0\x10\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x10\0\x10\0\0\x02\x0e\x84\x8f"
        + bytes(range(64)) + b"\0;",
        "a.zip": archive("zip"), "a.tar": archive("tar"), "a.gz": gzip.compress(text.encode(), mtime=0),
        "a.bz2": bz2.compress(text.encode()), "a.xz": lzma.compress(text.encode()),
        "own.elf": Path(os.path.realpath(sys.executable)).read_bytes()[:200_000],
    }
    return files


def drawn(seed):
    """Random bytes and letters, sizes around those that the rule looks at, white space at both ends."""
    choice = random.Random(seed)
    files = {}
    for number in range(60):
        size = choice.choice(SIZES)
        letters = b"abc {}();\n\t<>/=\"" if number % 2 else bytes(range(256))
        body = bytes(choice.choice(letters) for _ in range(size))
        before = b" " * choice.choice([0, 0, 3, 1000, 4090, 4096])
        after = b"\n" * choice.choice([0, 0, 5, 3072, 4096])
        files[f"drawn{number}"] = before + body + after
    return files


def packaged():
    """What Python's packages carry, some of each ending."""
    files, counts = {}, {}
    root = Path(sysconfig.get_paths()["purelib"])
    for path in sorted(root.rglob("*")):
        ending = path.suffix.lower()
        if len(files) == PACKAGED_FILES:
            break
        if path.is_symlink() or not path.is_file() or "__pycache__" in path.parts:
            continue
        kind = path.parts[len(root.parts)], ending
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= ENDINGS and path.stat().st_size <= 1 << 20:
            files[f"packaged{len(files)}{ending}"] = path.read_bytes()
    return files


def row(network, content):
    config = network._model_config
    result, features = network._get_result_or_features_from_seekable(Seekable(io.BytesIO(content)))
    if result is not None:
        return np.zeros(config.beg_size + config.end_size, np.int32)
    return np.array(features.beg + features.end, np.int32)


def main(folder, seed):
    files = written() | drawn(seed) | packaged()
    for name, content in files.items():
        Path(folder, name).write_bytes(content)
    network = Magika()
    answers = []
    for name, content in files.items():
        # One by one: the network's scores depend a little on how many files it is shown at once.
        made = network.identify_bytes(content).prediction
        own, score = made.dl.label, made.score
        said = {}
        for mode in PredictionMode:
            label, reason = made.output.label, made.overwrite_reason
            if own != ContentTypeLabel.UNDEFINED:
                network._prediction_mode = mode
                label, reason = network._get_output_label_from_dl_label_and_score(own, score)
            said[mode.replace("_", "-")] = [str(own), str(label), score, str(reason)]
        answers.append({"file": name, "answers": said})
    Path(folder, "answers.json").write_text(json.dumps(answers))
    np.stack([row(network, content) for content in files.values()]).tofile(Path(folder, "rows.bin"))
    print(magika.__version__)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
