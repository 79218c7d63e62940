#!/usr/bin/env python3
"""Flips operators in the parts that everything rests on, and says which flips no test notices.

One build carries every flip of the Swift sources, each behind an operator of its own, and the environment chooses
one; a flip in eBPF C is a folder of sources that the build reads instead of its own. So a pass costs one build and
many short test runs. A flip that changes nothing is written, with its reason, in `scripts/mutants-equivalent.txt`.

Usage: scripts/mutate.py [--area NAME]... [--list] [--keep DIR] [--only NUMBER]...
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EQUIVALENT = ROOT / "scripts" / "mutants-equivalent.txt"

SNAPSHOT = ["MedullaSnapshotTests.Bound", "MedullaSnapshotTests|ProgramBudgetTests"]
LOOP = ["MedullaAdaptationTests.(Gate|Watch|Reward|Trigger|SharedQueue|LoopTable|AdaptationLoop)"]
RUNNER = ["MedullaAdaptationTests.(FunctionRunner|RunnerCommand|RunnerTakeover|Takeover)"]
TABLES = ["RouterTests|RouterStaging|SlotTableTests|ControlBlockTests|MedullaDatapathTests.LayoutTests|FlowTableModel|InstanceSettings|MemoryOrder"]
PACKETS = ["KernelPacketTests|ToyFunctionTests", "KernelFunctionTests"]
PARSER = [PACKETS[0], "KernelFlowFeaturesTests"]
CONGESTION = ["KernelCongestionTests", "KernelSamplesTests|PromotionTimeTests"]
#: Of each area: its sources, and the tests that must notice, the quick ones first.
AREAS: dict[str, tuple[list[str], list[str]]] = {
    "packing": (["Sources/MedullaSnapshot/Integer/*Packing.swift"], SNAPSHOT),
    "proof": (
        [f"Sources/MedullaSnapshot/Integer/{name}.swift" for name in ("*Bound*", "StepProof")],
        SNAPSHOT,
    ),
    "gates": (["Sources/MedullaAdaptation/Gates/*.swift"], [*LOOP, "IdenticalSnapshotTests", *RUNNER]),
    "watch": (["Sources/MedullaAdaptation/Watch/*.swift"], LOOP + RUNNER),
    "slots": (["Sources/MedullaDatapath/Slots/*.swift"], TABLES + PACKETS + CONGESTION),
    "kernel": (
        [f"Sources/MedullaDatapath/bpf/{name}.bpf.h" for name in ("medulla", "medulla_live", "medulla_decide")],
        PACKETS + CONGESTION,
    ),
    "packet": (
        [f"Sources/MedullaDatapath/bpf/{name}.bpf.h" for name in ("medulla_table", "medulla_sweep", "medulla_packet")],
        PACKETS,
    ),
    "parse": (["Sources/CMedullaABI/include/packet_parse.h"], PARSER),
}
#: Tests that use the kernel: one flip at a time, as they time what it does.
IN_KERNEL = {*PACKETS, *PARSER, *CONGESTION}

#: An operator, what it becomes, the precedence that Swift gives it, and the types of its operands.
FLIPS: dict[str, tuple[str, str, str]] = {
    "<": ("<=", "ComparisonPrecedence", "Comparable"),
    "<=": ("<", "ComparisonPrecedence", "Comparable"),
    ">": (">=", "ComparisonPrecedence", "Comparable"),
    ">=": (">", "ComparisonPrecedence", "Comparable"),
    "==": ("!=", "ComparisonPrecedence", "Equatable"),
    "!=": ("==", "ComparisonPrecedence", "Equatable"),
    "+": ("-", "AdditionPrecedence", "AdditiveArithmetic"),
    "-": ("+", "AdditionPrecedence", "AdditiveArithmetic"),
    "&+": ("&-", "AdditionPrecedence", "FixedWidthInteger"),
    "&-": ("&+", "AdditionPrecedence", "FixedWidthInteger"),
    "*": ("+", "MultiplicationPrecedence", "Numeric"),
    "/": ("*", "MultiplicationPrecedence", ""),
    "<<": (">>", "BitwiseShiftPrecedence", "BinaryInteger"),
    ">>": ("<<", "BitwiseShiftPrecedence", "BinaryInteger"),
    "&&": ("||", "LogicalConjunctionPrecedence", ""),
    "||": ("&&", "LogicalDisjunctionPrecedence", ""),
}
TOKEN = re.compile(r"(?<= )(" + "|".join(re.escape(op) for op in sorted(FLIPS, key=len, reverse=True)) + r")(?= |$)", re.M)
#: What an operator is not: comments, texts, and C's directives.
SKIPPED = re.compile(r'//[^\n]*|/\*.*?\*/|"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"|^[ \t]*#[^\n]*', re.S | re.M)
DIGITS = "∀∁∂∃∄∅∆∇∈∉∊∋∌∍∎∏"


@dataclass
class Mutant:
    number: int
    area: str
    file: str
    line: int
    column: int
    offset: int
    operator: str
    text: str

    @property
    def flipped(self) -> str:
        return FLIPS[self.operator][0]

    @property
    def key(self) -> str:
        """What the list of equivalent ones names it by: the place survives other changes of the file."""
        return f"{self.file.rsplit('/', 1)[1]}: {self.text}"

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column} {self.text}"

    def __str__(self) -> str:
        return f"{self.number} {self.file}:{self.line}:{self.column} `{self.operator}` to `{self.flipped}`: {self.text}"


def find(areas: list[str]) -> list[Mutant]:
    mutants: list[Mutant] = []
    for area in areas:
        for pattern in AREAS[area][0]:
            files = sorted(ROOT.glob(pattern))
            if not files:
                sys.exit(f"mutate: area {area}: no file is called {pattern}")
            for file in files:
                source = file.read_text()
                code = SKIPPED.sub(lambda match: re.sub(r"[^\n]", "\0", match[0]), source)
                for match in TOKEN.finditer(code):
                    begin = source.rfind("\n", 0, match.start()) + 1
                    end = source.find("\n", begin)
                    line = source[begin:end]
                    if " func " in line or "operator" in line or "nil" in line[match.start() - begin:][:8]:
                        continue
                    column = match.start() - begin
                    marked = line[:column].strip() + f" [{match[1]}] " + line[column + len(match[1]):].strip()
                    mutants.append(
                        Mutant(len(mutants) + 1, area, str(file.relative_to(ROOT)), source.count("\n", 0, begin) + 1,
                               column + 1, match.start(), match[1], " ".join(marked.split()))
                    )
    return mutants


def operator_name(number: int) -> str:
    return "⊛" + "".join(DIGITS[(number >> shift) & 15] for shift in (8, 4, 0))


def declaration(mutant: Mutant) -> str:
    name, (flipped, precedence, types) = operator_name(mutant.number), FLIPS[mutant.operator]
    choice = f"mutant == {mutant.number} ? l {flipped} r : l {mutant.operator} r"
    head = f"infix operator {name}: {precedence}\n"
    if precedence.startswith("Logical"):
        choice = f"mutant == {mutant.number} ? try l {flipped} r() : try l {mutant.operator} r()"
        return head + f"func {name}(l: Bool, r: @autoclosure () throws -> Bool) rethrows -> Bool {{ {choice} }}\n"
    if precedence.startswith("Comparison"):
        return head + f"func {name}<T: {types}>(l: T, r: T) -> Bool {{ {choice} }}\n"
    if precedence.startswith("Bitwise"):
        return head + f"func {name}<T: {types}, U: BinaryInteger>(l: T, r: U) -> T {{ {choice} }}\n"
    kinds = [types] if types else ["BinaryInteger", "FloatingPoint"]
    return head + "".join(f"func {name}<T: {kind}>(l: T, r: T) -> T {{ {choice} }}\n" for kind in kinds)


SOURCES = "Sources/MedullaDatapath/Programs/EmbeddedSources.swift"
CHOICE = """import Glibc

let mutant: Int = getenv("MEDULLA_MUTANT").flatMap { Int(String(cString: $0)) } ?? 0
"""
OVERRIDE = """
import Foundation
/// In this build only: a source of the same name in the folder that the environment names comes first.
func overridden(_ name: String, _ text: String) -> String {
  guard let folder = ProcessInfo.processInfo.environment["MEDULLA_MUTANT_SOURCES"] else { return text }
  return (try? String(contentsOfFile: folder + "/" + name, encoding: .utf8)) ?? text
}
"""


class Build:
    """A copy of the tree with every flip in it."""

    def __init__(self, tree: Path, mutants: list[Mutant]) -> None:
        self.tree = tree
        self.mutants = [mutant for mutant in mutants if mutant.file.endswith(".swift")]
        # A kept build remembers which flips the language did not take.
        self.memory = tree / "without-meaning.txt"
        # And which were noticed: a pass that was cut short goes on.
        self.noticed = tree / "noticed.txt"
        known = set(self.memory.read_text().splitlines()) if self.memory.exists() else set()
        self.dropped = [mutant for mutant in self.mutants if mutant.key in known]
        self.mutants = [mutant for mutant in self.mutants if mutant not in self.dropped]
        changed = {mutant.file for mutant in self.mutants + self.dropped} | {SOURCES}
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        for name in files.decode().split("\0"):
            if name and name not in changed and (ROOT / name).is_file():
                self.put(name, (ROOT / name).read_bytes())
                shutil.copymode(ROOT / name, tree / name)
        # A kept build has files that are gone from the tree.
        names = set(files.decode().split("\0"))
        for folder in ("Sources", "Tests"):
            for file in (tree / folder).rglob("*"):
                if file.is_file() and file.name != "Mutants.swift" and str(file.relative_to(tree)) not in names:
                    file.unlink()
        text = re.sub(r'"([\w.]+)": text\(([\w.]+)\)', r'"\1": overridden("\1", text(\2))', (ROOT / SOURCES).read_text())
        self.put(SOURCES, (text + OVERRIDE).encode())
        # The dependencies' sources and the tests' Python are taken over; what was built names its own place.
        for left in (".venv", ".build/checkouts", ".build/repositories", ".build/workspace-state.json",
                     "Package.resolved"):
            if (ROOT / left).exists() and not (tree / left).exists():
                (tree / left).parent.mkdir(exist_ok=True)
                subprocess.run(["cp", "-a", str(ROOT / left), str(tree / left)], check=True)

    def put(self, name: str, content: bytes) -> None:
        """Writes a file of the copy, unless it says so already: what is unchanged is not built again."""
        copy = self.tree / name
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)

    def write(self) -> None:
        modules: dict[str, list[Mutant]] = {}
        by_file: dict[str, list[Mutant]] = {}
        for mutant in self.mutants:
            modules.setdefault("/".join(mutant.file.split("/")[:2]), []).append(mutant)
            by_file.setdefault(mutant.file, []).append(mutant)
        for file in {mutant.file for mutant in self.mutants + self.dropped}:
            source = (ROOT / file).read_text()
            for mutant in sorted(by_file.get(file, []), key=lambda mutant: -mutant.offset):
                after = mutant.offset + len(mutant.operator)
                source = source[: mutant.offset] + operator_name(mutant.number) + source[after:]
            self.put(file, source.encode())
        for module, mutants in modules.items():
            text = CHOICE + "".join(declaration(mutant) for mutant in mutants)
            self.put(f"{module}/Mutants.swift", text.encode())

    def build(self) -> None:
        """Builds; a flip that the language does not take where it stands is left out, and counted."""
        for _ in range(6):
            self.write()
            log = subprocess.run(["swift", "build", "--build-tests"], cwd=self.tree, text=True, capture_output=True)
            if log.returncode == 0:
                return
            errors = set(re.findall(r"(Sources/[\w/+.]+\.swift):(\d+):\d+: error:", log.stdout + log.stderr))
            wrong = [mutant for mutant in self.mutants if (mutant.file, str(mutant.line)) in errors]
            if not wrong:
                sys.exit("mutate: the tree does not build\n" + (log.stdout + log.stderr)[-4000:])
            print(f"mutate: {len(wrong)} flips have no meaning where they stand, and are left out", flush=True)
            self.dropped += wrong
            self.mutants = [mutant for mutant in self.mutants if mutant not in wrong]
            self.memory.write_text("".join(mutant.key + "\n" for mutant in self.dropped))
        sys.exit("mutate: the tree does not build after six tries")

    def test(self, stage: str, limit: float, **environment: str) -> tuple[bool, float]:
        """Whether the tests of a stage pass, and in how many seconds; it ends with the first that does not."""
        begin = time.monotonic()
        command = [
            ".build/debug/medullaPackageTests.xctest", "--testing-library", "swift-testing", "--no-parallel",
            "--filter", stage,
        ]
        process = subprocess.Popen(
            command, cwd=self.tree, env=os.environ | environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )
        watch = threading.Timer(limit, lambda: os.killpg(process.pid, signal.SIGKILL))
        watch.start()
        ran, failed = 0, False
        with process:
            for line in process.stdout:
                if found := re.search(r"Test run with (\d+) tests?", line):
                    ran = int(found[1])
                if " recorded an issue " in line and not failed:
                    failed = True
                    os.killpg(process.pid, signal.SIGKILL)
        watch.cancel()
        if process.returncode < 0:
            remove_leftovers(process.pid)
        return ran > 0 and not failed and process.returncode == 0, time.monotonic() - begin


def remove_leftovers(process: int) -> None:
    """What a test process that was killed has left in the kernel: names tell whose it is."""
    for namespace in Path("/run/netns").glob(f"medulla-{process}-*"):
        inside = subprocess.run(["ip", "netns", "pids", namespace.name], capture_output=True, text=True).stdout
        for other in inside.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(other), signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", namespace.name], check=False)
    for instance in Path("/sys/fs/bpf/medulla").glob(f"*{process}"):
        shutil.rmtree(instance, ignore_errors=True)


def equivalent() -> Counter[str]:
    entries = Counter()
    for line in EQUIVALENT.read_text().splitlines() if EQUIVALENT.exists() else []:
        if line and not line.startswith(("#", " ")):
            entries[line] += 1
    return entries


def survives(mutant: Mutant, build: Build, limits: dict[str, float], kernel: threading.Lock) -> bool:
    with tempfile.TemporaryDirectory(dir=build.tree) as folder:
        environment = {"MEDULLA_MUTANT": str(mutant.number)}
        if not mutant.file.endswith(".swift"):
            source = (ROOT / mutant.file).read_text()
            after = mutant.offset + len(mutant.operator)
            copy = Path(folder) / Path(mutant.file).name
            copy.write_text(source[: mutant.offset] + mutant.flipped + source[after:])
            environment = {"MEDULLA_MUTANT_SOURCES": folder}
        for stage in AREAS[mutant.area][1]:
            with kernel if stage in IN_KERNEL else contextlib.nullcontext():
                passed, _ = build.test(stage, limits[stage], **environment)
            if not passed:
                return False
    return True


def run(mutants: list[Mutant], tree: Path, only: list[int], jobs: int) -> int:
    build = Build(tree, mutants)
    build.build()
    limits: dict[str, float] = {}
    for area in dict.fromkeys(mutant.area for mutant in mutants):
        for stage in AREAS[area][1]:
            if stage not in limits:
                passed, seconds = build.test(stage, 900)
                if not passed:
                    # What times the kernel fails now and then on a busy machine.
                    passed, seconds = build.test(stage, 900)
                if not passed:
                    sys.exit(f"mutate: without a flip, {stage} does not pass")
                limits[stage] = 3 * seconds + 30
                print(f"mutate: {stage}: {seconds:.0f} s", flush=True)
    known, kernel = equivalent(), threading.Lock()
    before = build.noticed.read_text().splitlines() if build.noticed.exists() else []
    tried = [mutant for mutant in mutants
             if mutant not in build.dropped and (not only or mutant.number in only) and not known[mutant.key]
             and mutant.place not in before]
    # Those that need the kernel come one after another; the others share the jobs that are left.
    sides: dict[bool, list[Mutant]] = {False: [], True: []}
    for mutant in tried:
        sides[bool(IN_KERNEL.intersection(AREAS[mutant.area][1]))].append(mutant)
    survivors: list[Mutant] = []
    telling = threading.Lock()

    def judge(mutant: Mutant) -> None:
        unnoticed = survives(mutant, build, limits, kernel)
        with telling:
            if unnoticed:
                survivors.append(mutant)
            else:
                with build.noticed.open("a") as noticed:
                    noticed.write(mutant.place + "\n")
            print(f"mutate: {'NOT NOTICED' if unnoticed else 'noticed'}: {mutant}", flush=True)

    with ThreadPoolExecutor(max(1, jobs - 1)) as others, ThreadPoolExecutor(1) as alone:
        verdicts = [pool.submit(judge, mutant) for side, pool in ((False, others), (True, alone))
                    for mutant in sides[side]]
    for verdict in verdicts:
        verdict.result()
    print(f"mutate: {len(before) + len(tried) - len(survivors)} noticed, {len(survivors)} not, {len(build.dropped)} without meaning, "
          f"{sum(known.values())} listed as changing nothing")
    return 1 if survivors else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--area", action="append", choices=list(AREAS), help="only this area; may be repeated")
    parser.add_argument("--list", action="store_true", help="only list the flips")
    parser.add_argument("--only", action="append", type=int, help="only the flip of this number; may be repeated")
    parser.add_argument("--keep", type=Path, help="where the build is made, and stays (default: a temporary folder)")
    parser.add_argument("--jobs", type=int, default=2, help="flips at a time, at least 2: one that needs the kernel, "
                        "and others (default 2)")
    options = parser.parse_args()
    mutants = find(options.area or list(AREAS))
    if options.list:
        print(*mutants, sep="\n")
        return 0
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        return run(mutants, options.keep, options.only or [], options.jobs)
    with tempfile.TemporaryDirectory(prefix="medulla-mutants-") as folder:
        return run(mutants, Path(folder), options.only or [], options.jobs)


if __name__ == "__main__":
    sys.exit(main())
