#!/usr/bin/env python3
"""Records flows of four kinds between two network namespaces, as root, and writes traffic.pcap beside itself.

Web fetches pages, bulk uploads, chat sends short messages both ways with pauses, voice is UDP both ways every
20 ms. Each kind has a server port of its own, by which the recording is labelled; the network is not told
ports. Only the first packets of each flow are kept, and of each the first bytes.

    sudo python3 record.py [--flows N] [--seed N]
"""
import argparse
import ctypes
import os
import pathlib
import random
import socket
import struct
import subprocess
import threading
import time

PORTS = {"web": 8080, "bulk": 5201, "chat": 5222, "voice": 4000}
SERVER = "10.98.0.2"
PACKETS, BYTES = 14, 96
LIBC = ctypes.CDLL(None, use_errno=True)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def receive(connection, count):
    while count > 0:
        part = connection.recv(min(count, 65536))
        if not part:
            return
        count -= len(part)


def exchange(kind, connection, rng, is_client):
    """One side of a TCP flow; both sides draw the same numbers."""
    if kind == "web":
        for _ in range(rng.randint(1, 3)):
            request, response = rng.randint(150, 900), int(10 ** rng.uniform(3, 5.5))
            if is_client:
                connection.sendall(bytes(request))
                receive(connection, response)
                time.sleep(rng.uniform(0, 0.05))
            else:
                receive(connection, request)
                rng.uniform(0, 0.05)
                connection.sendall(bytes(response))
    elif kind == "bulk":
        size = int(10 ** rng.uniform(5.5, 6.7))
        if is_client:
            connection.sendall(bytes(size))
        else:
            receive(connection, size)
    else:
        for turn in range(rng.randint(6, 12)):
            size, pause = rng.randint(20, 300), rng.uniform(0.005, 0.2)
            if is_client == (turn % 2 == 0):
                time.sleep(pause)
                connection.sendall(bytes(size))
            else:
                receive(connection, size)


def tcp_server(kind, seeds):
    listener = socket.create_server((SERVER, PORTS[kind]))
    for seed in seeds:
        connection, _ = listener.accept()
        with connection:
            exchange(kind, connection, random.Random(seed), is_client=False)
    listener.close()


def tcp_client(kind, seed):
    with socket.create_connection((SERVER, PORTS[kind])) as connection:
        exchange(kind, connection, random.Random(seed), is_client=True)


def voice_server():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((SERVER, PORTS["voice"]))
    server.settimeout(5)
    while True:
        try:
            data, source = server.recvfrom(2048)
        except TimeoutError:
            return
        server.sendto(data, source)


def voice_client(seed):
    rng = random.Random(seed)
    size, period = rng.choice([60, 100, 172, 220]), rng.choice([0.01, 0.02, 0.03])
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((SERVER, PORTS["voice"]))
    for _ in range(12):
        client.send(bytes(size + rng.randint(0, 8)))
        time.sleep(period)


def in_namespace(name, work):
    def run():
        with open(f"/run/netns/{name}") as file:
            if LIBC.setns(file.fileno(), 0x40000000):  # CLONE_NEWNET
                raise OSError(ctypes.get_errno(), f"cannot enter {name}")
        work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


class Recorder:
    """Reads every frame of an interface of a namespace, until it is told to stop."""

    def __init__(self, namespace, interface):
        self.frames, self.ends, self.ready = [], False, threading.Event()
        self.interface = interface
        self.thread = in_namespace(namespace, self.read)
        if not self.ready.wait(5):
            raise OSError(f"cannot listen at {interface} of {namespace}")

    def read(self):
        listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        listener.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        listener.bind((self.interface, 0))
        listener.settimeout(0.2)
        self.ready.set()
        while not self.ends:
            try:
                frame = listener.recv(65536)
                self.frames.append((time.time_ns(), frame))
            except TimeoutError:
                pass

    def stop(self):
        self.ends = True
        self.thread.join()
        return self.frames


def flow_key(frame):
    if frame[12:14] != b"\x08\x00" or frame[23] not in (6, 17):
        return None
    ends = sorted([(frame[26:30], frame[34:36]), (frame[30:34], frame[36:38])])
    return (frame[23], *ends)


def write(frames, path):
    seen = {}
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, BYTES, 1))
        for nanoseconds, frame in frames:
            key = flow_key(frame)
            if key is None:
                continue
            seen[key] = seen.get(key, 0) + 1
            if seen[key] <= PACKETS:
                kept = frame[:BYTES]
                file.write(struct.pack("<IIII", *divmod(nanoseconds, 10**9), len(kept), len(frame)) + kept)
    print(f"{len(seen)} flows")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--flows", type=int, default=60, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    client, server = f"medulla-{os.getpid()}-1-client", f"medulla-{os.getpid()}-1-server"
    try:
        for name in (client, server):
            ip("netns", "add", name)
        ip("link", "add", "eth0", "netns", client, "type", "veth", "peer", "name", "eth0", "netns", server)
        for name, address in ((client, "10.98.0.1/24"), (server, f"{SERVER}/24")):
            # Frames as they would be on a wire, not several segments as one.
            ip("-n", name, "link", "set", "eth0", "gso_max_segs", "1", "up")
            ip("-n", name, "address", "add", address, "dev", "eth0")
        time.sleep(0.5)
        recorder = Recorder(client, "eth0")
        seeds = {kind: [options.seed * 1000003 + number for number in range(options.flows)] for kind in PORTS}
        servers = [in_namespace(server, lambda kind=kind: tcp_server(kind, seeds[kind]))
                   for kind in ("web", "bulk", "chat")]
        servers.append(in_namespace(server, voice_server))
        time.sleep(0.5)

        def clients():
            for number in range(options.flows):
                for kind in PORTS:
                    seed = seeds[kind][number]
                    voice_client(seed) if kind == "voice" else tcp_client(kind, seed)

        in_namespace(client, clients).join()
        for thread in servers:
            thread.join()
        frames = recorder.stop()
    finally:
        for name in (client, server):
            subprocess.run(["ip", "netns", "del", name], check=False)
    write(frames, pathlib.Path(__file__).with_name("traffic.pcap"))


if __name__ == "__main__":
    main()
