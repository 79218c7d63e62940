#!/usr/bin/env python3
"""A label service to try things with: it stands in for a model or for people, with an error rate that is stated.

    examples/labels/service.py --port 8089 --classes benign,attack --when 'rate > 1000 = attack' \\
        --error-rate 0.1 --latency 0.05 --failure-rate 0.02 --seed 7

It answers POST by docs/reference/label-service.md. Its truth is the first `--when` that holds of a flow, else
`--otherwise` (the first class); NAME is one of the request's features or facts. Each answer is wrong with the
probability `--error-rate`: which ones follows from the seed and from what is said of the flow, so that the same
flow has the same answer. A failure is a status 503, drawn for each request in the order in which they come.
GET tells in JSON what it was asked. Standard library only; it listens on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REQUEST_LIMIT = 1 << 24
RULE = re.compile(r"^\s*(?P<name>[A-Za-z0-9_+()]+)\s*(?P<sign><=|>=|<|>|==)\s*(?P<value>\S+)\s*=\s*(?P<label>\S+)\s*$")
COMPARE = {
    "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
}


class Condition:
    """``NAME SIGN VALUE = LABEL``."""

    def __init__(self, text: str) -> None:
        found = RULE.match(text)
        if found is None:
            raise argparse.ArgumentTypeError(f"{text!r} is not of the form 'NAME > VALUE = LABEL'")
        self.name, self.sign, self.label = found["name"], found["sign"], found["label"]
        try:
            self.value = float(found["value"])
        except ValueError:
            raise argparse.ArgumentTypeError(f"{found['value']!r} is no number") from None

    def holds(self, values: dict) -> bool:
        value = values.get(self.name)
        return value is not None and COMPARE[self.sign](value, self.value)


class Oracle:
    """What the service says of flows."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.classes = options.classes
        self.random = random.Random(options.seed)
        self.lock = threading.Lock()
        self.counts = {"requests": 0, "flows": 0, "wrong": 0, "abstained": 0, "failures": 0, "rules": 0}

    def fails(self) -> bool:
        with self.lock:
            self.counts["requests"] += 1
            fails = self.random.random() < self.options.failure_rate
            self.counts["failures"] += fails
            return fails

    def truth(self, values: dict) -> str:
        for condition in self.options.when:
            if condition.holds(values):
                return condition.label
        return self.options.otherwise

    def answer(self, names: list, flow: dict) -> dict:
        values = dict(zip(names, flow["features"])) | flow.get("facts", {})
        content = json.dumps([flow["features"], flow.get("facts", {})], sort_keys=True)
        digest = hashlib.sha256(f"{self.options.seed}:{content}".encode()).digest()
        chance = int.from_bytes(digest[:7], "big") / 2**56
        label, confidence = self.truth(values), 1 - self.options.error_rate
        with self.lock:
            self.counts["flows"] += 1
            if chance < self.options.abstain_rate:
                self.counts["abstained"] += 1
                return {"id": flow["id"], "label": None, "confidence": 0}
            if chance < self.options.abstain_rate + self.options.error_rate:
                self.counts["wrong"] += 1
                others = [name for name in self.classes if name != label]
                label = others[digest[8] % len(others)]
        return {"id": flow["id"], "label": label, "confidence": confidence}

    def reply(self, question: dict) -> dict:
        if question.get("version") != 1:
            raise ValueError(f"version {question.get('version')} of the contract is not 1")
        unknown = set(question["classes"]) ^ set(self.classes)
        if unknown:
            raise ValueError(f"classes differ in {sorted(unknown)}")
        if question["want"] == "rules":
            if self.options.rules is None:
                raise ValueError("this service has no rules: start it with --rules FILE")
            with self.lock:
                self.counts["rules"] += 1
            return {"version": 1, "rules": self.options.rules}
        if question["want"] != "labels":
            raise ValueError(f"nobody knows how to give {question['want']!r}")
        return {"version": 1, "labels": [self.answer(question["features"], flow) for flow in question["requests"]]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    oracle: Oracle

    def do_GET(self) -> None:
        self.send(200, self.oracle.counts)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        if length > REQUEST_LIMIT:
            self.close_connection = True
            return self.send(413, {"error": f"more than {REQUEST_LIMIT} bytes"})
        body = self.rfile.read(length)
        options = self.oracle.options
        token = f"Bearer {options.token}" if options.token else None
        if token and self.headers.get("Authorization") != token:
            return self.send(401, {"error": "the request has not the service's token"})
        time.sleep(options.latency)
        if self.oracle.fails():
            return self.send(503, {"error": "drawn to fail"}, {"Retry-After": str(options.retry_after)})
        try:
            reply = self.oracle.reply(json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self.send(400, {"error": f"{type(error).__name__}: {error}"})
        self.send(200, reply)

    def send(self, status: int, document: dict, headers: dict | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1 or math.isnan(value):
        raise argparse.ArgumentTypeError(f"{text} is no share of 0 to 1")
    return value


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8089, help="0: any free one; the first line says which")
    parser.add_argument("--classes", required=True, type=lambda text: text.split(","), metavar="A,B")
    parser.add_argument("--when", action="append", default=[], type=Condition, metavar="'NAME > VALUE = LABEL'")
    parser.add_argument("--otherwise", metavar="LABEL", help="where no condition holds (default: the first class)")
    parser.add_argument("--error-rate", type=share, default=0.1, help="of the labels (default 0.1)")
    parser.add_argument("--abstain-rate", type=share, default=0.0, help="of the flows (default 0)")
    parser.add_argument("--failure-rate", type=share, default=0.0, help="of the requests (default 0)")
    parser.add_argument("--retry-after", type=int, default=0, help="seconds, with a failure (default 0)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of each request (default 0)")
    parser.add_argument("--rules", metavar="FILE", type=lambda path: open(path, encoding="utf-8").read(),
                        help="what it answers when rules are wanted")
    parser.add_argument("--token", help="that requests must have in Authorization: Bearer")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.otherwise = options.otherwise or options.classes[0]
    labels = [condition.label for condition in options.when] + [options.otherwise]
    if len(options.classes) < 2 or not set(labels) <= set(options.classes):
        parser.error("there are at least two classes, and conditions name no others")
    Handler.oracle = Oracle(options)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}/ labels by {len(options.when)} conditions, "
          f"{options.error_rate:.1%} of them wrong, seed {options.seed}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
