import Foundation
import Logging
import MedullaLabels
import MedullaSnapshot
import Testing

@testable import MedullaAdaptation

/// Labelers in Python's standard library, written from the document and not from the package.
enum LabelerPeer {
  /// Says of each flow the class that its first feature is; what a test wants otherwise stands in `hooks`,
  /// called with each request before the answer.
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

/// A way for a labeler's process to go wrong at `label`, what is found, and what the failure must say.
struct LabelerFault: Sendable, CustomTestStringConvertible {
  let name: String
  let act: String
  let code: AdapterFailure.Code
  let says: String
  var testDescription: String { name }

  init(_ name: String, _ act: String, _ code: AdapterFailure.Code, _ says: String) {
    (self.name, self.act, self.code, self.says) = (name, act, code, says)
  }

  static let all = [
    LabelerFault("a crash", "raise KeyError('truth')", .ended, "KeyError: 'truth'"),
    LabelerFault("kill -9", "os.kill(os.getpid(), 9)", .ended, "signal 9"),
    LabelerFault("a hang", "time.sleep(1000)", .timedOut, "no answer within"),
    LabelerFault(
      "an error", "send({'answer': 'error', 'id': request['id'], 'message': 'no', 'traceback': 'line 7'})",
      .refused, "line 7"
    ),
    LabelerFault("no tensors", "ok(request); return True", .wrongShape, "no tensor `id`"),
    LabelerFault(
      "labels of another number", "reply(request, [1, 2], [1]); return True", .wrongShape, "label"),
    LabelerFault("a class that is none", "reply(request, [1], [3]); return True", .malformedAnswer, "class"),
    LabelerFault("half a class", "reply(request, [1], [0.5]); return True", .malformedAnswer, "class"),
    LabelerFault("NaN", "reply(request, [1], [float('nan')]); return True", .notFinite, "element 0"),
    LabelerFault(
      "a confidence above 1", "reply(request, [1], [1], [1.5]); return True", .malformedAnswer, "confidence"),
    LabelerFault(
      "a flood of labels", "reply(request, [1] * 70000, [1] * 70000); return True", .malformedAnswer,
      "70000 labels"
    ),
    LabelerFault("garbage", "channel.sendall(b'label: attack'); return True", .malformedAnswer, "at most"),
    LabelerFault(
      "an answer to another request", "send({'answer': 'ok', 'id': 999}); return True", .malformedAnswer,
      "another"
    ),
  ]
}
