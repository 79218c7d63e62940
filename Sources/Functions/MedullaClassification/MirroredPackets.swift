import CMedullaABI
import Glibc
import MedullaBase
import MedullaDatapath
import MedullaKernel

/// A packet that a classifier mirrored.
package struct MirroredPacket: Sendable, Equatable {
  /// When it was seen, of the monotonic clock.
  package let nanoseconds: UInt64
  /// Of its flow in the instance; 0: the flow is not kept.
  package let flow: UInt64
  package let label: String
  /// In the network's units.
  package let margin: Double
  /// Bytes of the frame.
  package let length: Int
  /// The first of them.
  package let bytes: [UInt8]
}

/// Takes a classifier's mirrored packets out of the kernel; one reader at a time.
package final class MirroredPackets {
  private let ring: RingBuffer
  private let labels: [String]
  private let scale: Double
  private let lock: FileLock

  /// - Throws: `notAttached`; `badFunction` for an instance of another function; `KernelError.busy` while
  ///   another process reads them.
  package init(of name: InstanceName, among functions: FunctionList) throws {
    let (instance, classifier) = try Classifier.attached(as: name, among: functions)
    lock = try FileLock(path: "/run/medulla-mirror-\(name.text).lock", patience: .zero)
    ring = try RingBuffer(BPFMap(pinned: PinnedInstance.path(of: name) + "/" + Classifier.Maps.mirrors))
    labels = classifier.labels
    scale = Double(Int64(1) << Int64(try instance.current().control.formats.outputFractionBits))
  }

  /// Waits for packets, at most so long, and gives those that are there.
  package func next(within milliseconds: Int32) throws -> [MirroredPacket] {
    let (labels, scale) = (labels, scale)
    nonisolated(unsafe) var packets: [MirroredPacket] = []
    _ = try ring.wait(milliseconds: milliseconds) { record in
      if let packet = Self.read(record, labels, scale) { packets.append(packet) }
    }
    return packets
  }

  /// nil for bytes that are no whole record, which no program of this version writes.
  static func read(_ bytes: UnsafeRawBufferPointer, _ labels: [String], _ scale: Double) -> MirroredPacket? {
    guard bytes.count >= MemoryLayout<classifier_mirrored>.size else { return nil }
    let record = bytes.loadUnaligned(as: classifier_mirrored.self)
    guard record.captured <= CLASSIFIER_MIRROR_BYTES else { return nil }
    let row = Int(record.row)
    let label =
      switch row {
      case Int(CLASSIFIER_UNSURE): ClassifierSettings.unsureName
      case Int(CLASSIFIER_PENDING): ClassifierSettings.pendingName
      default: labels.indices.contains(row) ? labels[row] : String(row)
      }
    return MirroredPacket(
      nanoseconds: record.time_ns, flow: record.flow, label: label, margin: Double(record.margin) / scale,
      length: Int(record.length),
      bytes: withUnsafeBytes(of: record.bytes) { Array($0.prefix(Int(record.captured))) })
  }
}
