#!/usr/bin/env python3
"""Sends requests to a server of its own on the loopback; a request's length says the answer's.

    python3 traffic.py [--seconds N] [--drifted]

With --drifted short requests have long answers instead.
"""
import argparse
import itertools
import socket
import threading
import time

#: Bytes of a request, and of its answer.
SIZES = {60: 2_000, 200: 30_000, 800: 300_000}


def serve(listener, sizes):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            request = connection.recv(4_096)
            connection.sendall(bytes(sizes.get(len(request), 0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--drifted", action="store_true")
    options = parser.parse_args()
    sizes = dict(zip(SIZES, reversed(SIZES.values()))) if options.drifted else SIZES
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, sizes), daemon=True).start()
    end, flows = time.monotonic() + options.seconds, 0
    for request in itertools.cycle(sizes):
        if time.monotonic() > end:
            break
        with socket.create_connection(listener.getsockname()) as connection:
            connection.sendall(bytes(request))
            while connection.recv(65_536):
                pass
        flows += 1
        time.sleep(0.005)
    listener.close()
    print(f"{flows} flows")


if __name__ == "__main__":
    main()
