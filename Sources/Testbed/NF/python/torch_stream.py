"""Trains the network of NetML's section IV in PyTorch on batches from a socket, as users write it.

Batches of uint8 images of 28 x 28, channel by channel, then a label of 8 bytes for each. Over TCP they come
one after another until the sender closes; over UDP in pieces with the payload header
of 48 bytes (MedullaPayload), and a batch that misses one when the stream falls silent is left out. The
network, its loss and its optimizer are those of the native trainer: SGD at 0.01 with momentum 0.5 on the mean
cross-entropy, dropout of channels at 0.5.

    torch_stream.py --batch 50 --listen PORT [--transport tcp|udp] [--threads N] [--seed N]
                    [--channels-last] [--test-images FILE --test-labels FILE]

Says `ready` and its port on standard error once it listens, and at the end one line of JSON on standard
output. Images per second are from the first byte's arrival to the end of the last step. The test files are
those of the data set (IDX, also with gzip).
"""

import argparse
import gzip
import json
import socket
import struct
import sys
import time

SIDE = 28
IMAGE = SIDE * SIDE
LABEL = 8
# magic, version, kind, length, stream, sequence, object, total, offset, size, digest, flags, checksum
HEADER = struct.Struct(">IBBHIIQIIIIII")
MAGIC = 0x4D44504C
RECEIVE_BUFFER = 64 << 20
DATAGRAM = 65_536
# Batches of which pieces are waited for; when one more begins, the oldest is left out.
OPEN_BATCHES = 8

try:
    import numpy as np
    import torch
    from torch import nn
except ImportError as error:
    print(f"torch_stream: {error}; install torch and numpy", file=sys.stderr)
    sys.exit(3)


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--listen", type=int, default=0, help="port; 0: any")
    parser.add_argument("--transport", choices=["tcp", "udp"], default="tcp")
    parser.add_argument("--threads", type=int, default=0, help="of PyTorch; 0: as it chooses")
    parser.add_argument("--channels-last", action="store_true",
                        help="PyTorch's other order of memory, which is faster for few channels")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--silence", type=float, default=2, help="seconds after which a UDP stream has ended")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for a stream's beginning")
    parser.add_argument("--test-images")
    parser.add_argument("--test-labels")
    chosen = parser.parse_args()
    if chosen.batch < 1:
        parser.error("a batch has at least one image")
    if (chosen.test_images is None) != (chosen.test_labels is None):
        parser.error("test images need their labels, and labels their images")
    return chosen


def network():
    return nn.Sequential(
        nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(10, 20, 5), nn.Dropout2d(0.5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(320, 50), nn.ReLU(), nn.Linear(50, 10))


def memory_order(chosen):
    return torch.channels_last if chosen.channels_last else torch.contiguous_format


class Arrival:
    """When the first byte came, how many batches did, and how many were left out."""

    def __init__(self):
        self.first = None
        self.incomplete = 0

    def note(self):
        if self.first is None:
            self.first = time.perf_counter()


def batches_by_tcp(chosen, size, arrival):
    with socket.create_server((chosen.address, chosen.listen)) as server:
        server.settimeout(chosen.patience)
        print(f"ready {server.getsockname()[1]}", file=sys.stderr, flush=True)
        connection, _ = server.accept()
    with connection:
        while True:
            # A new buffer each time, because tensors are made of it without a copy.
            batch = bytearray(size)
            view = memoryview(batch)
            got = 0
            while got < size:
                count = connection.recv_into(view[got:])
                if count == 0:
                    arrival.incomplete += got > 0
                    return
                arrival.note()
                got += count
            yield batch


def batches_by_udp(chosen, size, arrival):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        receiver.bind((chosen.address, chosen.listen))
        receiver.settimeout(chosen.patience)
        print(f"ready {receiver.getsockname()[1]}", file=sys.stderr, flush=True)
        pending = {}
        done = set()
        while True:
            try:
                datagram = receiver.recv(DATAGRAM)
            except TimeoutError:
                arrival.incomplete += len(pending)
                return
            if len(datagram) < HEADER.size:
                continue
            (magic, _, _, length, stream, sequence, number, total, offset, whole, _, _, _) = (
                HEADER.unpack_from(datagram))
            key = (stream, number)
            fits = magic == MAGIC and whole == size and len(datagram) == HEADER.size + length
            if not fits or offset + length > size or sequence >= total or key in done:
                continue
            if arrival.first is None:
                arrival.note()
                receiver.settimeout(chosen.silence)
            if key not in pending:
                if len(pending) == OPEN_BATCHES:
                    oldest = next(iter(pending))
                    del pending[oldest]
                    done.add(oldest)
                    arrival.incomplete += 1
                pending[key] = (bytearray(size), set())
            batch, pieces = pending[key]
            batch[offset:offset + length] = datagram[HEADER.size:]
            pieces.add(sequence)
            if len(pieces) == total:
                del pending[key]
                done.add(key)
                yield batch


def tensors(batch, count, order):
    images = np.frombuffer(batch, dtype=np.uint8, count=count * IMAGE).reshape(count, 1, SIDE, SIDE)
    labels = np.frombuffer(batch, dtype="<i8", count=count, offset=count * IMAGE)
    inputs = torch.from_numpy(images).float().div_(255)
    return inputs.contiguous(memory_format=order), torch.from_numpy(labels)


def train(model, chosen, arrival):
    """Losses of the steps, seconds in them, and when the last ended."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    loss_of = nn.CrossEntropyLoss()
    size = chosen.batch * (IMAGE + LABEL)
    source = batches_by_tcp if chosen.transport == "tcp" else batches_by_udp
    losses, busy, end = [], 0.0, time.perf_counter()
    model.train()
    for batch in source(chosen, size, arrival):
        start = time.perf_counter()
        images, labels = tensors(batch, chosen.batch, memory_order(chosen))
        optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        end = time.perf_counter()
        busy += end - start
    return losses, busy, end


def read_idx(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        data = file.read()
    if len(data) < 8 or data[:3] != b"\0\0\x08" or data[3] not in (1, 3):
        raise SystemExit(f"torch_stream: {path} is no IDX file of bytes")
    shape = struct.unpack(f">{data[3]}I", data[4:4 + 4 * data[3]])
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * data[3]).reshape(shape)


@torch.no_grad()
def accuracy(model, chosen):
    images = torch.from_numpy(read_idx(chosen.test_images).copy()).unsqueeze(1)
    labels = torch.from_numpy(read_idx(chosen.test_labels).copy())
    model.eval()
    right = 0
    for start in range(0, len(images), 1000):
        outputs = model(images[start:start + 1000].float().div(255))
        right += int((outputs.argmax(1) == labels[start:start + 1000]).sum())
    return right / len(images)


def main():
    chosen = options()
    torch.manual_seed(chosen.seed)
    if chosen.threads > 0:
        torch.set_num_threads(chosen.threads)
    model = network().to(memory_format=memory_order(chosen))
    arrival = Arrival()
    processor = time.process_time()
    losses, busy, end = train(model, chosen, arrival)
    processor = time.process_time() - processor
    elapsed = end - arrival.first if arrival.first is not None else 0
    images = len(losses) * chosen.batch
    print(json.dumps({
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "channels_last": chosen.channels_last,
        "transport": chosen.transport,
        "batch": chosen.batch,
        "seed": chosen.seed,
        "batches": len(losses),
        "incomplete": arrival.incomplete,
        "images": images,
        "seconds": elapsed,
        "training_seconds": busy,
        "processor_seconds": processor,
        "images_per_second": images / elapsed if elapsed > 0 else 0,
        "images_per_training_second": images / busy if busy > 0 else 0,
        "mean_loss": sum(losses) / len(losses) if losses else None,
        "accuracy": accuracy(model, chosen) if chosen.test_images else None,
    }))


if __name__ == "__main__":
    main()
