/// A frame whose every byte follows from its fields, so that whoever gets it can tell what it must be.
struct TestFrame: Hashable {
  enum Network: Hashable {
    case none(etherType: Int)
    case four(source: UInt32, destination: UInt32)
    /// The first bytes of the addresses; the others are 0.
    case six(source: [UInt8], destination: [UInt8])
  }

  static let addresses = Network.four(source: 0x0a09_0002, destination: 0x0a09_0001)

  var number: Int
  var network = addresses
  var ipProtocol: UInt8 = 17
  var sourcePort = 5_000
  var destinationPort = 7_000
  /// From the outer one on.
  var tags: [Int] = []
  /// Of the whole frame, link header included.
  var size = 128
  var destinationLink: [UInt8] = [2, 0, 0, 0, 0, 1]

  var bytes: [UInt8] {
    var bytes = destinationLink + [2, 0, 0, 0, 0, 2]
    for (place, tag) in tags.enumerated() {
      bytes += Self.word(place == 0 && tags.count > 1 ? 0x88a8 : 0x8100) + Self.word(tag)
    }
    let rest = max(size - bytes.count - 2, 0)
    switch network {
    case .none(let type): bytes += Self.word(type)
    case .four(let source, let destination):
      bytes += Self.word(0x0800) + four(source, destination, total: rest) + transport(rest - 20)
    case .six(let source, let destination):
      bytes += Self.word(0x86dd) + [0x60, 0, 0, 0] + Self.word(rest - 40) + [ipProtocol, 64]
      for address in [source, destination] {
        bytes += (address + [UInt8](repeating: 0, count: 16)).prefix(16)
      }
      bytes += transport(rest - 40)
    }
    bytes += withUnsafeBytes(of: UInt64(number).littleEndian) { Array($0) }
    while bytes.count < size { bytes.append(UInt8(truncatingIfNeeded: bytes.count &* 31 &+ number &* 17)) }
    return bytes
  }

  private func transport(_ length: Int) -> [UInt8] {
    let ports = Self.word(sourcePort) + Self.word(destinationPort)
    // A checksum of 0 is none.
    if ipProtocol == 17 { return ports + Self.word(length) + [0, 0] }
    return ports + [UInt8](repeating: 0, count: 8) + [0x50, 0x10, 1, 0, 0, 0, 0, 0]
  }

  private func four(_ source: UInt32, _ destination: UInt32, total: Int) -> [UInt8] {
    var header: [UInt8] = [0x45, 0] + Self.word(total) + [0, 0, 0x40, 0, 64, ipProtocol, 0, 0]
    for address in [source, destination] { header += withUnsafeBytes(of: address.bigEndian) { Array($0) } }
    var sum = stride(from: 0, to: 20, by: 2).reduce(0) { $0 + Int(header[$1]) << 8 + Int(header[$1 + 1]) }
    while sum > 0xffff { sum = sum >> 16 + sum & 0xffff }
    header.replaceSubrange(10..<12, with: Self.word(~sum & 0xffff))
    return header
  }

  private static func word(_ value: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
  }

  /// The number in a frame of UDP over IPv4 without tags; nil: it is too short for one.
  static func number(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count >= 50 else { return nil }
    return Int(
      truncatingIfNeeded: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 42, as: UInt64.self)))
  }
}
