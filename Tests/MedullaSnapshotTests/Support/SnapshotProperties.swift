import MedullaSnapshot

/// What holds for the snapshot reader on any bytes at all. The fuzz target and the tests share it.
///
/// Gives nil, or what was violated. A trap is a violation by itself.
enum SnapshotProperties {
  /// Bytes are refused with an error, or give a snapshot that runs on the extremes and is written again as it
  /// was read.
  static func violation(_ bytes: [UInt8]) -> String? {
    guard let file = try? SnapshotFile(bytes: bytes) else { return nil }
    let snapshot = file.snapshot
    guard let again = try? SnapshotFile(snapshot), let read = try? SnapshotFile(bytes: again.bytes) else {
      return "a snapshot that was read cannot be written and read again"
    }
    if read.snapshot != snapshot { return "the snapshot changed on its way through its file" }
    let sizes = snapshot.shape.steps.map { $0.inputCount + $0.outputCount }
    guard sizes.reduce(0, +) < 1 << 14, snapshot.image.count < 1 << 14 else { return nil }
    let interpreter = ReferenceInterpreter(snapshot)
    for value in [0, Int64.min, Int64.max, 1 << 16] {
      let outputs = interpreter.run(features: [Int64](repeating: value, count: snapshot.shape.inputs))
      if outputs.count != snapshot.shape.outputs { return "the snapshot gives \(outputs.count) outputs" }
    }
    return nil
  }
}
