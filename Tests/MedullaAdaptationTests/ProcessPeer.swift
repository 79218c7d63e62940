import Foundation
import Glibc
import Logging
import MedullaAdaptation
import MedullaLearning
import MedullaModel

/// Tiny adapters in Python's standard library, written from the document and not from the package: they check
/// the wire by a second hand.
enum ProcessPeer {
  static let isPresent = FileManager.default.isExecutableFile(atPath: "/usr/bin/env") && python != nil

  /// The system's `python3`, which any user may run, else the first on PATH.
  static let python: String? =
    "/usr/bin:\(ProcessInfo.processInfo.environment["PATH"] ?? "")".split(separator: ":")
    .map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  /// As root a process has a user of its own.
  static let user: String? = geteuid() == 0 ? "nobody" : nil

  static let prelude = """
    import json, os, socket, struct, sys, time
    channel = socket.socket(fileno=int(os.environ["MEDULLA_ADAPTER_FD"]))
    def take(count):
        data = b""
        while len(data) < count:
            piece = channel.recv(count - len(data))
            if not piece: sys.exit(0)
            data += piece
        return data
    def receive():
        header, payload = struct.unpack("<II", take(8))
        fields = json.loads(take(header))
        data = take(payload)
        tensors = {}
        for entry in fields.get("tensors", []):
            code, size = {"float32": ("f", 4), "uint64": ("Q", 8), "uint8": ("B", 1)}[entry["type"]]
            count = 1
            for length in entry["shape"]: count *= length
            tensors[entry["name"]] = struct.unpack(f"<{count}{code}", data[:count * size])
            data = data[count * size:]
        return fields, tensors
    def send(fields, tensors=()):
        fields = dict(fields)
        fields["tensors"] = [{"name": n, "type": "float32", "shape": s} for n, s, v in tensors]
        payload = b"".join(struct.pack(f"<{len(v)}f", *v) for n, s, v in tensors)
        header = json.dumps(fields).encode()
        channel.sendall(struct.pack("<II", len(header), len(payload)) + header + payload)
    def ok(request, fields={}, tensors=()):
        send({"answer": "ok", "id": request["id"], **fields}, tensors)

    """

  /// Answers everything rightly: outputs are the first input, the network is the one it was given. What a
  /// test wants otherwise stands in `hooks`, called with each request before the answer.
  static func script(_ hooks: String) -> String {
    prelude + """
      model, weights = None, None
      count = 0
      def hook(request, tensors): pass
      \(hooks)
      while True:
          request, tensors = receive()
          kind = request["request"]
          if kind == "hello":
              model = request["model"]
              weights = [(e["name"], e["shape"], tensors[e["name"]]) for e in request["tensors"]]
              inputs, outputs = request["inputs"], request["outputs"]
          if hook(request, tensors): continue
          if kind == "hello": ok(request, {"protocol": 1})
          elif kind == "freeze": ok(request, {"model": model}, weights)
          elif kind == "adapt":
              count += 1
              ok(request, {"stability": 1.0 / count, "figures": {"samples": request["samples"]}})
          elif kind == "evaluate":
              rows = len(tensors["inputs"]) // inputs
              ok(request, {}, [("outputs", [rows, outputs], tensors["inputs"][::inputs] * outputs)])
          else:
              ok(request)
              break
      """
  }

  static func network(inputs: Int = 2, name: String = "tiny") throws -> Network {
    let weights = (0..<inputs).map { $0 == 0 ? Float(1) : 0 }
    return try Network(
      name: name, inputShape: TensorShape([inputs]),
      layers: [.dense(Dense(inputs: inputs, outputs: 1, weights: weights, bias: [0])), .activation(.relu)])
  }

  static func settings(_ hooks: String = "") throws -> ProcessSettings {
    var settings = ProcessSettings(command: [python ?? "python3", "-c", script(hooks)])
    settings.isolation.user = user
    settings.deadline = .seconds(20)
    settings.startPatience = .seconds(20)
    settings.restart = RestartPolicy(
      first: .milliseconds(20), longest: .milliseconds(80), limit: 4, recovery: 3)
    return settings
  }

  static func adapter(
    _ hooks: String = "", log: Logger = quiet, change: (inout ProcessSettings) -> Void = { _ in }
  ) throws -> ProcessAdapter {
    var settings = try settings(hooks)
    change(&settings)
    return try ProcessAdapter(settings, network: network(), log: log)
  }

  static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  static func failure(_ body: () throws -> Void) -> AdapterFailure? {
    do {
      try body()
      return nil
    } catch {
      return error as? AdapterFailure
    }
  }
}
