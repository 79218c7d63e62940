import MedullaBase
import MedullaSnapshot

/// What holds for the snapshot reader on any bytes at all. The fuzz target and the tests share it.
///
/// Gives nil, or what was violated. A trap is a violation by itself.
package enum SnapshotProperties {
  /// The bytes with digests that fit them, so that what lies behind the digests is tried too: put behind a
  /// file of version 1, which is given without its own, and set right in place in one of version 2.
  package static func sealed(_ body: [UInt8]) -> [UInt8] {
    guard body.count >= 24, body[8] == 2 else { return body + SHA256.hash(body) }
    var bytes = body
    func number(_ offset: Int, _ count: Int) -> Int {
      (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }
    let tableEnd = 24 + min(number(12, 4), bytes.count / 64) * 64
    guard tableEnd + 32 <= bytes.count else { return bytes }
    for entry in stride(from: 24, to: tableEnd, by: 64) {
      let (start, length) = (number(entry + 16, 7), number(entry + 24, 7))
      guard start <= bytes.count, length <= bytes.count - start else { continue }
      bytes.replaceSubrange(entry + 32..<entry + 64, with: SHA256.hash(bytes[start..<start + length]))
    }
    bytes.replaceSubrange(tableEnd..<tableEnd + 32, with: SHA256.hash(bytes[..<tableEnd]))
    return bytes
  }

  /// Bytes are refused with an error, or give a snapshot that runs on the extremes and is written again as it
  /// was read.
  package static func violation(_ bytes: [UInt8]) -> String? {
    guard let file = try? SnapshotFile(bytes: bytes) else { return nil }
    let snapshot = file.snapshot
    guard let again = try? SnapshotFile(snapshot), let read = try? SnapshotFile(bytes: again.bytes) else {
      return "a snapshot that was read cannot be written and read again"
    }
    if read.snapshot != snapshot { return "the snapshot changed on its way through its file" }
    let sizes = snapshot.shape.steps.map { $0.inputCount + $0.outputCount }
    guard sizes.reduce(0, +) < 1 << 14, snapshot.layout.words < 1 << 14 else { return nil }
    let interpreter = ReferenceInterpreter(snapshot)
    for value in [0, Int64.min, Int64.max, 1 << 16] {
      let outputs = interpreter.run(features: [Int64](repeating: value, count: snapshot.shape.inputs))
      if outputs.count != snapshot.shape.outputs { return "the snapshot gives \(outputs.count) outputs" }
    }
    return nil
  }
}
