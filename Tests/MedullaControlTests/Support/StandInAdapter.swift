import Foundation

/// An adapter's program in Python's standard library, for daemons under test. Its network is the one that it
/// was given with its last bias moved, and it says of every input that it would answer quite otherwise, so
/// that the gates open.
enum StandInAdapter {
  /// - Parameters:
  ///   - moved: added to the last bias with each network that is asked for.
  ///   - hook: Python that sees `kind` and `count`, the number of `adapt` requests so far.
  static func write(to folder: String, moved: Double = 0.01, hook: String = "pass") throws -> String {
    let path = folder + "/adapter.py"
    try Data(text(moved: moved, hook: hook).utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// The process of the last one that started in that folder; nil before one did.
  static func process(of name: String, in folder: String) -> pid_t? {
    let path = folder + "/state-adapters/\(name)/adapter.pid"
    return (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { pid_t($0) }
  }

  private static func text(moved: Double, hook: String) -> String {
    """
    import json, os, socket, struct, sys, time
    own = os.environ["MEDULLA_ADAPTER_STATE"]
    with open(own + "/adapter.pid.new", "w") as file: file.write(str(os.getpid()))
    os.rename(own + "/adapter.pid.new", own + "/adapter.pid")
    channel = socket.socket(fileno=int(os.environ["MEDULLA_ADAPTER_FD"]))
    def take(count):
        data = b""
        while len(data) < count:
            piece = channel.recv(count - len(data))
            if not piece: sys.exit(0)
            data += piece
        return data
    def answer(request, fields={}, tensors=()):
        header = dict({"answer": "ok", "id": request["id"]}, **fields)
        header["tensors"] = [{"name": n, "type": "float32", "shape": s} for n, s, v in tensors]
        payload = b"".join(struct.pack(f"<{len(v)}f", *v) for n, s, v in tensors)
        header = json.dumps(header).encode()
        channel.sendall(struct.pack("<II", len(header), len(payload)) + header + payload)
    model, weights, count, freezes = None, [], 0, 0
    while True:
        header, payload = struct.unpack("<II", take(8))
        request, data = json.loads(take(header)), take(payload)
        kind = request["request"]
        if kind == "adapt": count += 1
        \(hook)
        if kind == "hello":
            model, offset = request["model"], 0
            for entry in request["tensors"]:
                size = 4
                for length in entry["shape"]: size *= length
                values = struct.unpack(f"<{size // 4}f", data[offset:offset + size])
                weights.append((entry["name"], entry["shape"], values))
                offset += size
            answer(request, {"protocol": 1})
        elif kind == "freeze":
            freezes += 1
            last = max(i for i, w in enumerate(weights) if w[0].endswith("bias"))
            changed = [(n, s, tuple(x + \(moved) * freezes for x in v) if i == last else v)
                       for i, (n, s, v) in enumerate(weights)]
            answer(request, {"model": model}, changed)
        elif kind == "adapt": answer(request, {"stability": 1.0})
        elif kind == "evaluate":
            rows = request["tensors"][0]["shape"][0]
            answer(request, {}, [("outputs", [rows, 1], (50.0,) * rows)])
        else:
            answer(request)
            break
    """
  }
}
