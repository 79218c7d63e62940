#!/usr/bin/env python3
"""Sends flows to a server of its own in the namespace medulla-far, for a while.

    python3 traffic.py [--seconds N]
"""
import argparse
import ctypes
import os
import socket
import threading
import time

BYTES = 60_000


def listen():
    """A server's socket in the other namespace: made by a thread that has gone there."""
    made = []

    def make():
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/run/netns/medulla-far", "rb") as namespace:
            if libc.setns(namespace.fileno(), 0):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        made.append(socket.create_server(("10.99.0.2", 0), backlog=64))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


def serve(listener):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            while connection.recv(65_536):
                pass


def send(address, end, done):
    while time.monotonic() < end:
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(bytes(BYTES))
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
        done.append(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    listener = listen()
    for _ in range(4):
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    end, done = time.monotonic() + options.seconds, []
    senders = [threading.Thread(target=send, args=(listener.getsockname(), end, done)) for _ in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    listener.close()
    print(f"{len(done)} flows")


if __name__ == "__main__":
    main()
