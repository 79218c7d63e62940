import MedullaAdaptation
import Testing

/// A way for an adapter's process to go wrong, what is found, and what the failure must say.
struct ProcessFault: Sendable, CustomTestStringConvertible {
  let name: String
  /// The request at which it goes wrong.
  let kind: String
  let act: String
  let code: AdapterFailure.Code
  let says: String
  var testDescription: String { name }

  var hooks: String {
    let body = act.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
    return "def hook(request, tensors):\n    if request['request'] != '\(kind)': return\n\(body)"
  }

  private static func fault(
    _ name: String, on kind: String, _ act: String, _ code: AdapterFailure.Code, _ says: String
  ) -> ProcessFault {
    ProcessFault(name: name, kind: kind, act: act, code: code, says: says)
  }

  static let all = [
    fault("a crash at hello", on: "hello", "raise ValueError('no such thing')", .ended, "no such thing"),
    fault(
      "a refusal at hello", on: "hello",
      "send({'answer': 'error', 'id': request['id'], 'message': 'no', 'traceback': 'line 7'})", .refused,
      "line 7"),
    fault(
      "another protocol", on: "hello", "ok(request, {'protocol': 2}); return True", .malformedAnswer,
      "version 2"),
    fault("a crash in adapt", on: "adapt", "raise KeyError('rtt')", .ended, "KeyError: 'rtt'"),
    fault(
      "an error in adapt", on: "adapt",
      "send({'answer': 'error', 'id': request['id'], 'message': 'no', 'traceback': 'in adapt'})\nreturn True",
      .refused, "in adapt"),
    fault("an exit without a word", on: "adapt", "os._exit(3)", .ended, "status 3"),
    fault("kill -9", on: "adapt", "os.kill(os.getpid(), 9)", .ended, "signal 9"),
    fault("a segmentation fault", on: "evaluate", "os.kill(os.getpid(), 11)", .ended, "signal 11"),
    fault("a hang", on: "adapt", "time.sleep(1000)", .timedOut, "no answer within"),
    fault(
      "a hang that ignores SIGTERM", on: "evaluate",
      "import signal; signal.signal(15, signal.SIG_IGN)\nwhile True: pass", .timedOut, "no answer within"),
    fault(
      "outputs of a wrong shape", on: "evaluate",
      "ok(request, {}, [('outputs', [1, 2], (1, 2))])\nreturn True", .wrongShape, "[1, 2]"),
    fault(
      "outputs under another name", on: "evaluate",
      "ok(request, {}, [('result', [1, 1], (1,))])\nreturn True", .wrongShape, "result"),
    fault(
      "NaN in outputs", on: "evaluate",
      "ok(request, {}, [('outputs', [1, 1], (float('nan'),))])\nreturn True", .notFinite, "element 0"),
    fault(
      "infinity in weights", on: "freeze",
      "w = [(n, s, (float('inf'),) * len(v)) for n, s, v in weights]\nok(request, {'model': model}, w)\n"
        + "return True", .notFinite, "layer0.weight"),
    fault(
      "a network of another shape", on: "freeze",
      "m = dict(model, input={'shape': [3]})\n"
        + "ok(request, {'model': m}, [('layer0.weight', [1, 3], (1, 2, 3)), "
        + "('layer0.bias', [1], (0,))])\nreturn True", .wrongShape, "3 inputs"),
    fault("no network", on: "freeze", "ok(request)\nreturn True", .malformedAnswer, "no `model`"),
    fault(
      "an ONNX file that is none", on: "freeze",
      "send({'answer': 'ok', 'id': request['id'], 'model': {'format': 'onnx'}})\nreturn True",
      .malformedAnswer,
      "onnx"),
    fault(
      "stability that is NaN", on: "adapt", "ok(request, {'stability': float('nan')})\nreturn True",
      .malformedAnswer, "no JSON"),
    fault("no stability", on: "adapt", "ok(request)\nreturn True", .malformedAnswer, "stability"),
    fault(
      "an answer to another request", on: "adapt",
      "send({'answer': 'ok', 'id': 999})\nreturn True", .malformedAnswer, "another request"),
    fault(
      "garbage", on: "adapt", "channel.sendall(b'\\x05\\0\\0\\0\\0\\0\\0\\0hello'); return True",
      .malformedAnswer, "no JSON"),
    fault(
      "a print to the channel", on: "adapt", "channel.sendall(b'loss: 0.125 after 10 rounds')\nreturn True",
      .malformedAnswer, "at most"),
    fault(
      "a huge length", on: "adapt", "channel.sendall(struct.pack('<II', 10, 2**32 - 1))\nreturn True",
      .malformedAnswer, "4294967295 bytes"),
    fault(
      "part of a frame, then the end", on: "adapt",
      "channel.sendall(struct.pack('<II', 100, 0) + b'{')\nos._exit(0)", .malformedAnswer,
      "ended 9 bytes into"),
    fault(
      "part of a frame, then nothing", on: "adapt",
      "channel.sendall(struct.pack('<II', 100, 0) + b'{')\ntime.sleep(1000)", .timedOut, "no answer within"),
    fault(
      "progress without end", on: "adapt",
      "while True: send({'answer': 'progress', 'id': request['id'], 'message': 'x'})", .malformedAnswer,
      "10000"),
  ]
}
