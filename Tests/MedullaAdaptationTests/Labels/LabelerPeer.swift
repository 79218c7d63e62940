import Foundation
import Logging
import MedullaLabels
import MedullaSnapshot

@testable import MedullaAdaptation

/// Labelers in Python's standard library, written from the document and not from the package.
enum LabelerPeer {
  /// Says of each flow the class that its first feature is; what a test wants otherwise stands in `hooks`, called with
  /// each request before the answer.
  static func script(_ hooks: String) -> String {
    ProcessPeer.prelude + """
      def reply(request, ids, labels, confidences=None):
          confidences = confidences or [0.5] * len(ids)
          fields = {"answer": "ok", "id": request["id"], "tensors": [
              {"name": "id", "type": "uint64", "shape": [len(ids)]},
              {"name": "label", "type": "float32", "shape": [len(labels)]},
              {"name": "confidence", "type": "float32", "shape": [len(confidences)]}]}
          payload = struct.pack(f"<{len(ids)}Q", *ids) + struct.pack(f"<{len(labels)}f", *labels)
          payload += struct.pack(f"<{len(confidences)}f", *confidences)
          header = json.dumps(fields).encode()
          channel.sendall(struct.pack("<II", len(header), len(payload)) + header + payload)
      greeting = None
      def hook(request, tensors): pass
      \(hooks)
      while True:
          request, tensors = receive()
          kind = request["request"]
          if kind == "hello": greeting = request
          if hook(request, tensors): continue
          if kind == "hello": ok(request, {"protocol": 1, "role": "labeler"})
          elif kind == "label":
              width = greeting["inputs"]
              reply(request, tensors["id"], tensors["features"][::width])
          else:
              ok(request)
              break
      """
  }

  static let schema = LabelSchema(
    classes: ["benign", "attack", "scan"],
    features: [InputFeature(name: "rate", scale: .linear), InputFeature(name: "bytes", scale: .log2)])

  static func agent(
    _ hooks: String = "", log: Logger = ProcessPeer.quiet, change: (inout ProcessSettings) -> Void = { _ in }
  ) throws -> ProcessLabelingAgent {
    var settings = try ProcessPeer.settings()
    settings.command[2] = script(hooks)
    change(&settings)
    return try ProcessLabelingAgent("peer", settings, schema: schema, log: log)
  }

  static func requests(_ count: Int) -> [LabelRequest] {
    (0..<count).map { LabelRequest(sample: 5 << 48 + UInt64($0), features: [Double($0 % 3), 1]) }
  }
}
