import CMedullaNF
import MedullaNF

/// What holds for the messages by which hosts and functions meet, on any bytes at all.
package enum WelcomeProperties {
  /// - Parameter bytes: how many descriptors come, and then the message.
  /// - Returns: what does not hold; nil: all does.
  package static func violation(_ bytes: [UInt8]) -> String? {
    guard let descriptors = bytes.first else { return nil }
    let message = Array(bytes.dropFirst())
    return message.withUnsafeBytes { raw in
      welcome(raw, Int32(descriptors)) ?? hello(raw) ?? accept(raw)
    }
  }

  private static func welcome(_ bytes: UnsafeRawBufferPointer, _ descriptors: Int32) -> String? {
    var welcome = nf_welcome()
    withUnsafeMutableBytes(of: &welcome) { $0.copyMemory(from: .init(rebasing: bytes.prefix($0.count))) }
    guard nf_check_welcome(&welcome, UInt64(bytes.count), descriptors) == 0 else { return nil }
    // Whatever a function then does with these numbers must stay in what it has mapped.
    let frame = UInt64(welcome.frame_bytes)
    guard frame > 0, welcome.memory_bytes % frame == 0, welcome.memory_bytes / frame >= welcome.frames else {
      return "frames of \(frame) bytes do not lie in \(welcome.memory_bytes)"
    }
    guard UInt64(welcome.stamp_offset) + UInt64(MemoryLayout<nf_stamp>.size) <= frame else {
      return "a stamp at \(welcome.stamp_offset) lies beyond its frame"
    }
    let rings = UInt64(NF_AREA_BYTES) + 2 * nf_ring_bytes(welcome.ring_entries)
    guard welcome.ring_entries.nonzeroBitCount == 1, rings <= welcome.rings_bytes else {
      return "rings of \(welcome.ring_entries) entries do not lie in \(welcome.rings_bytes)"
    }
    guard welcome.queues == 0 || welcome.receive_entries.nonzeroBitCount == 1 else {
      return "a receive ring of \(welcome.receive_entries) entries"
    }
    guard welcome.queues <= UInt32(NF_WELCOME_QUEUES),
      descriptors == Int32(NF_FIXED_DESCRIPTORS) + Int32(welcome.queues), welcome.mode <= UInt32(NF_SLEEP)
    else { return "\(descriptors) descriptors for \(welcome.queues) queues" }
    guard MemoryLayout<nf_welcome>.size + Int(welcome.parameter_bytes) == bytes.count else {
      return "parameters of \(welcome.parameter_bytes) bytes"
    }
    let isText = withUnsafeBytes(of: welcome.branch) { names in
      (0..<Int(NF_BRANCHES)).allSatisfy { index in
        names[(index * Int(NF_NAME_BYTES))...].prefix(Int(NF_NAME_BYTES)).contains(0)
      }
    }
    return isText ? nil : "a branch's name has no end"
  }

  private static func hello(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard let name = Handshake.function(saying: bytes) else { return nil }
    guard (1..<Int(NF_NAME_BYTES)).contains(name.utf8.count), !name.utf8.contains(0) else {
      return "a function of \(name.utf8.count) bytes"
    }
    return bytes.count == MemoryLayout<nf_hello>.size ? nil : "a hello of \(bytes.count) bytes"
  }

  private static func accept(_ bytes: UnsafeRawBufferPointer) -> String? {
    Handshake.process(accepting: bytes) == nil || bytes.count == MemoryLayout<nf_accept>.size
      ? nil : "an answer of \(bytes.count) bytes"
  }
}
