"""The agent of user-space inference with ONNX Runtime: what people use to run a network.

As CCP's Python algorithms run inside its agent, reports and answers are in this process's own memory: the
ring of reports and the answers are mapped, and only the wait is a system call. The network is the float
model.

    onnx_agent.py REPORTS ANSWERS PROCESSOR WAY MODEL     (ids of the maps; processor or -1; `wait` or `poll`)

Prints a line when it is ready. On standard input, `w` begins a new window of statistics; at its end the agent
prints the last window's as JSON and ends.
"""

import array
import ctypes
import json
import mmap
import os
import platform
import resource
import select
import struct
import sys
import time

FEATURES = 50
ACTION_MOST = 0x7FFFFF
VERDICT_MOST = 127
NO_VERDICT = -128
RING_BYTES = 1 << 20
PLACES = 4096
ONE = 1 << 16
BUSY = 1 << 31
DISCARD = 1 << 30
HEADER_BYTES = 8
REPORT = struct.Struct("=QII")
REPORT_BYTES = REPORT.size + 4 * FEATURES
KEPT_SAMPLES = 1 << 22
MOST_REPORTS = 256

MAP_GET_FD_BY_ID = 14
SYSCALLS = {"x86_64": 321, "aarch64": 280, "riscv64": 280}


def fail(message):
    print(f"agent: {message}", file=sys.stderr)
    sys.exit(3)


try:
    import numpy
    import onnxruntime
except ImportError as error:
    fail(
        f"{sys.executable} cannot import {error.name}; install it: "
        "python3 -m venv .venv && .venv/bin/python -m pip install onnxruntime numpy"
    )


def open_map(identifier):
    number = SYSCALLS.get(platform.machine())
    if number is None:
        fail(f"the number of bpf(2) on {platform.machine()} is not known")
    attributes = ctypes.create_string_buffer(struct.pack("=III", identifier, 0, 0), 128)
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = library.syscall(number, MAP_GET_FD_BY_ID, attributes, len(attributes))
    if descriptor < 0:
        fail(f"open map {identifier}: {os.strerror(ctypes.get_errno())}")
    return descriptor


class Ring:
    """The reader's position lies on a page of its own, then the writer's, then the data twice in a row."""

    def __init__(self, descriptor):
        page = mmap.PAGESIZE
        self.descriptor = descriptor
        both = mmap.PROT_READ | mmap.PROT_WRITE
        self.position = memoryview(mmap.mmap(descriptor, page, mmap.MAP_SHARED, both)).cast("Q")
        rest = mmap.mmap(
            descriptor, page + 2 * RING_BYTES, mmap.MAP_SHARED, mmap.PROT_READ, offset=page
        )
        self.bytes = memoryview(rest)
        self.written = self.bytes[:page].cast("Q")
        self.data = self.bytes[page:]
        self.words = self.data.cast("I")

    def drain(self, take):
        """Hands the reports that are there to `take`, at most so many that requests are heard too, and
        gives their number."""
        read = self.position[0]
        count = 0
        while read < self.written[0] and count < MOST_REPORTS:
            start = read & (RING_BYTES - 1)
            header = self.words[start // 4]
            if header & BUSY:
                break
            size = header & ~(BUSY | DISCARD)
            if not header & DISCARD and size == REPORT_BYTES:
                take(start + HEADER_BYTES)
                count += 1
            read += (size + HEADER_BYTES + 7) & ~7
            self.position[0] = read
        return count


def bounded(value, most):
    return max(-most, min(most, value))


class Agent:
    def __init__(self, reports, answers, model):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        taken = self.session.get_inputs()[0]
        shape = [size if isinstance(size, int) else 1 for size in taken.shape]
        self.features = int(numpy.prod(shape))
        if self.features > FEATURES:
            fail(f"{model} takes {taken.shape} values, the controller has {FEATURES} features")
        self.name = taken.name
        self.shape = shape
        self.ring = Ring(open_map(reports))
        both = mmap.PROT_READ | mmap.PROT_WRITE
        self.answers = memoryview(
            mmap.mmap(open_map(answers), PLACES * 8, mmap.MAP_SHARED, both)
        ).cast("Q")
        self.infer(numpy.zeros(shape, numpy.float32))
        self.begin_window()

    def infer(self, features):
        return self.session.run(None, {self.name: features})[0]

    def begin_window(self):
        self.times = array.array("Q")
        self.count = 0
        self.wakeups = 0
        self.begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.usage = resource.getrusage(resource.RUSAGE_SELF)

    def take(self, start):
        began, place, decision = REPORT.unpack_from(self.ring.data, start)
        integers = numpy.frombuffer(self.ring.data, numpy.int32, self.features, start + REPORT.size)
        features = (integers.astype(numpy.float32) / ONE).reshape(self.shape)
        said = self.infer(features).flat
        action = bounded(round(float(said[0]) * ONE), ACTION_MOST)
        verdict = NO_VERDICT
        if len(said) > 1:
            verdict = bounded(round(float(said[1]) * 16), VERDICT_MOST)
        if place < PLACES:
            self.answers[place] = decision << 32 | (action & 0xFFFFFF) << 8 | verdict & 0xFF
        self.count += 1
        if len(self.times) < KEPT_SAMPLES:
            self.times.append(time.clock_gettime_ns(time.CLOCK_MONOTONIC) - began)

    def obey(self):
        """Reads what was asked; False when the agent is to end."""
        try:
            request = os.read(0, 1)
        except BlockingIOError:
            return True
        if request == b"w":
            self.begin_window()
        return request != b""

    def wait_and_answer(self):
        poll = select.epoll()
        poll.register(self.ring.descriptor, select.EPOLLIN)
        poll.register(0, select.EPOLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == 0 and not self.obey():
                    return
                if descriptor == self.ring.descriptor and self.ring.drain(self.take):
                    self.wakeups += 1

    def poll_and_answer(self):
        os.set_blocking(0, False)
        idle = 0
        while True:
            if self.ring.drain(self.take):
                self.wakeups += 1
            idle += 1
            if idle % 1024 == 0 and not self.obey():
                return

    def summary(self):
        end = resource.getrusage(resource.RUSAGE_SELF)
        times = numpy.sort(numpy.array(self.times, dtype=numpy.uint64))

        def at(share):
            return int(times[min(int(share * len(times)), len(times) - 1)]) if len(times) else 0

        return {
            "answers": self.count,
            "wakeups": self.wakeups,
            "seconds": (time.clock_gettime_ns(time.CLOCK_MONOTONIC) - self.begin) / 1e9,
            "user_seconds": end.ru_utime - self.usage.ru_utime,
            "system_seconds": end.ru_stime - self.usage.ru_stime,
            "mean_ns": float(times.mean()) if len(times) else 0.0,
            "p50_ns": at(0.5),
            "p90_ns": at(0.9),
            "p99_ns": at(0.99),
            "p999_ns": at(0.999),
            "max_ns": at(1),
        }


def main(arguments):
    if len(arguments) != 5:
        fail("needs REPORTS ANSWERS PROCESSOR WAY MODEL")
    reports, answers, processor, way, model = arguments
    if int(processor) >= 0:
        os.sched_setaffinity(0, {int(processor)})
    agent = Agent(int(reports), int(answers), model)
    print("ready", flush=True)
    if way == "poll":
        agent.poll_and_answer()
    else:
        agent.wait_and_answer()
    print(json.dumps(agent.summary()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
