"""Network functions in Python, against a host that only moves descriptors."""

from __future__ import annotations

import gc
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from nf_host import Host

import medulla.nf
from medulla.nf.batch import _payload

_EXECUTOR = ThreadPoolExecutor(4)


def udp(payload: bytes, tags: int = 0, six: bool = False, pad: int = 0) -> bytes:
    tagged = b"\x02" * 12 + b"".join(b"\x81\x00\x00\x07" for _ in range(tags))
    header = struct.pack(">HHHH", 5000, 7000, 8 + len(payload), 0)
    if six:
        network = b"\x86\xdd\x60\0\0\0" + struct.pack(">HBB", 8 + len(payload), 17, 64) + bytes(32)
    else:
        network = b"\x08\0\x45\0" + struct.pack(">HHHBBH", 28 + len(payload), 0, 0, 64, 17, 0) + bytes(8)
    return tagged + network + header + payload + bytes(pad)


@pytest.fixture
def path(tmp_path, nf_library) -> str:
    return str(tmp_path / "chain.sock")


def meet(path: str, **settings) -> tuple[Host, medulla.nf.Port]:
    host = Host(path, **settings)
    waiting = _EXECUTOR.submit(host.greet)
    port = medulla.nf.attach(path, "count")
    waiting.result()
    host.begin()
    return host, port


@pytest.fixture
def both(path) -> Iterator[tuple[Host, medulla.nf.Port]]:
    host, port = meet(path)
    yield host, port
    port.close()
    host.end()


def test_a_port_knows_what_the_host_said(both):
    host, port = both
    assert host.name == b"count"
    assert (port.name, port.chain, port.quota, port.branches) == ("count", "images", 64, ["second", "eth1"])
    assert port.parameters == {"window": 3}
    assert port.writable_memory is None


def test_frames_are_views_on_packet_memory_that_only_read(both):
    host, port = both
    place = host.give(udp(b"payload"), rule=3, nanoseconds=17)
    batch = port.receive(wait=5)
    assert len(batch) == 1 and port.held == 1
    view = batch.frame(0)
    assert bytes(view) == udp(b"payload") and bytes(batch.payload(0)) == b"payload"
    assert (list(batch.lengths), list(batch.rules), list(batch.nanoseconds)) == ([49], [3], [17])
    assert not view.flags.owndata and np.shares_memory(view, port.memory)
    # What changes in memory changes in the view: there is no copy.
    host.memory[place] = 0xEE
    assert view[0] == 0xEE
    with pytest.raises(ValueError):
        view[0] = 1
    with pytest.raises(ValueError):
        view.flags.writeable = True


def test_a_function_that_may_write_writes_into_memory(path):
    host, port = meet(path, flags=5)
    place = host.give(udp(b"payload"))
    batch = port.receive(wait=5)
    port.writable_memory[int(batch.frames["place"][0])] = 0x77
    assert host.memory[place] == 0x77
    port.close()
    host.end()


def test_each_frame_comes_back_once_by_its_verdict(both):
    host, port = both
    places = [host.give(udp(bytes([number]) * 20)) for number in range(10)]
    batch = port.receive(wait=5)
    port.release(batch[:2])
    port.next(batch[[2, 3]])
    port.branch(batch[batch.rules == 7], 0)
    port.branch(batch[4], 1)
    port.give(batch[5:], np.array([0, 1, 2, 3, 0]))
    port.flush()
    assert host.take() == list(zip(places, [62] * 10, [0, 0, 1, 1, 3, 0, 1, 2, 3, 0], strict=True))
    assert port.held == 0
    with pytest.raises(ValueError, match="more frames"):
        port.release(batch[:1])


def test_frames_may_be_kept_and_given_back_in_any_order(both):
    host, port = both
    places = [host.give(udp(b"x" * 20)) for _ in range(64)]
    kept = port.receive(wait=5)
    for number in reversed(range(64)):
        port.release(kept[number:number + 1])
    port.flush()
    assert [place for place, _, _ in host.take()] == places[::-1]


def test_what_cannot_be_returned_is_told(both):
    host, port = both
    host.give(udp(b"x"))
    batch = port.receive(wait=5)
    with pytest.raises(ValueError, match="verdict"):
        port.give(batch, np.array([99]))
    with pytest.raises(ValueError, match="1 frames and 0 verdicts"):
        port.give(batch, np.array([]))
    with pytest.raises(TypeError):
        port.release(np.zeros(1))
    port.release(batch)


def test_counts_are_published(both):
    host, port = both
    port.count("packets", 5)
    port.count("bytes", 1 << 40)
    port.count("packets", 7)
    assert host.counters() == {"packets": 7, "bytes": 1 << 40}
    with pytest.raises(ValueError):
        for number in range(40):
            port.count(f"count{number}", 1)


def test_nothing_within_the_wait_is_an_empty_batch(both):
    _, port = both
    assert len(port.receive(wait=0)) == 0


def test_a_loop_ends_with_its_host_and_views_stay(path):
    host, port = meet(path)
    host.give(udp(b"still there"))
    batch = port.receive(wait=5)
    view = batch.payload(0)
    host.end()
    assert sum(len(batch) for batch in port) == 0
    with pytest.raises(medulla.nf.HostGone):
        port.receive()
    del port, batch
    gc.collect()
    assert bytes(view) == b"still there"


def test_a_loop_goes_on_with_the_next_host_and_counts_what_was_lost(path):
    first, port = meet(path)
    port.reattaching = 10
    for _ in range(3):
        first.give(udp(b"first"))
    batch = port.receive(wait=5)
    port.release(batch[:1])
    first.end()
    hosts = []

    def replace() -> None:
        hosts.append(Host(path))
        hosts[0].greet()
        hosts[0].begin()
        hosts[0].give(udp(b"second"))

    thread = threading.Thread(target=replace)
    thread.start()
    for batch in port:
        if len(batch):
            assert bytes(batch.payload(0)) == b"second"
            port.release(batch)
            port.flush()
            break
    thread.join()
    assert port.lost == 2 and port.restarts == 1
    assert len(hosts[0].take()) == 1 and hosts[0].counters() == {"lost": 2}
    port.close()
    hosts[0].end()


def test_who_is_not_there_is_told(path):
    with pytest.raises(medulla.nf.AttachError, match="No such file"):
        medulla.nf.attach(path, "count")
    with pytest.raises(medulla.nf.AttachError):
        medulla.nf.attach()


def test_a_class_is_run_by_the_module(path, tmp_path):
    (tmp_path / "own.py").write_text(
        "import medulla.nf\n"
        "class Counting(medulla.nf.Function):\n"
        "    total = 0\n"
        "    def receive(self, batch):\n"
        "        self.total += len(batch)\n"
        "        self.port.next(batch)\n"
        "    def look(self):\n"
        "        self.port.count('packets', self.total)\n")
    host = Host(path)
    process = subprocess.Popen(
        [sys.executable, "-m", "medulla.nf", "own:Counting", path, "count"], cwd=tmp_path,
        env={"MEDULLA_NF_LIBRARY": medulla.nf.library.load()._name, "PYTHONPATH": ":".join(sys.path)})
    host.greet()
    host.channel.recv(100)
    for _ in range(50):
        host.give(udp(b"x"))
    for _ in range(500):
        if host.counters().get("packets") == 50:
            break
        threading.Event().wait(0.02)
    assert host.counters() == {"packets": 50}
    assert [verdict for _, _, verdict in host.take()] == [1] * 50
    host.end()
    assert process.wait(10) == 0


@pytest.mark.parametrize("frame, payload", [
    (udp(b"abc"), b"abc"), (udp(b""), b""), (udp(b"abc", tags=1), b"abc"), (udp(b"abc", tags=2), b"abc"),
    (udp(b"abc", six=True), b"abc"), (udp(b"abc", pad=20), b"abc"),
    (b"\x02" * 12 + b"\x08\x06" + bytes(40), b""),
    (udp(b"abc")[:30], b""), (udp(b"abc")[:14], b""), (b"", b""),
    # A later fragment, and TCP with options.
    (udp(b"abc")[:20] + b"\x00\x01" + udp(b"abc")[22:], b""),
    (udp(b"")[:16] + struct.pack(">H", 44 + 3) + udp(b"")[18:23] + b"\x06" + udp(b"")[24:34] + bytes(12)
     + b"\x60" + bytes(11) + b"abc", b"abc"),
])
def test_a_payload_is_what_follows_the_headers(frame, payload):
    start, end = _payload(frame[:150])
    assert frame[start:min(end, len(frame))] == payload


def test_many_frames_at_once_have_the_payloads_of_each(path):
    host, port = meet(path)
    generator = np.random.default_rng(7)
    frames = []
    for number in range(64):
        frame = bytearray(udp(bytes([number]) * (number % 7 * 8), tags=number % 5 // 4, pad=number % 3))
        if number % 2:
            frame[generator.integers(12, 42)] = generator.integers(256)
        frames.append(bytes(frame[:60] if number % 11 == 0 else frame))
        host.give(frames[-1])
    batch = port.receive(wait=5)
    for number, frame in enumerate(frames):
        start, end = _payload(frame[:150])
        assert bytes(batch.payload(number)) == frame[start:min(end, len(frame))], number
        assert bytes(batch.frame(number)) == frame
    port.close()
    host.end()


def test_random_bytes_have_a_payload_within_them():
    generator = np.random.default_rng(5)
    for _ in range(20_000):
        frame = bytearray(udp(b"x" * 40))
        for place in generator.integers(0, len(frame), 4):
            frame[place] = generator.integers(256)
        head = bytes(frame[:generator.integers(len(frame))])
        start, end = _payload(head[:150])
        assert 0 <= start <= end and start <= 18 + 4 + 60 + 60
