/// Frames as a TUN device with virtio-net headers hands them over, and checks that share no code with the
/// sources.
enum Frames {
  /// A TCP super-segment with `payload` bytes in segments of `size`; partial checksum as the kernel leaves
  /// it.
  static func superSegment(
    version: Int, payload: Int, size: Int, sequence: UInt32 = 0xffff_ff00, identifier: Int = 0xfffe,
    flags: UInt8 = 0x98, options: Int = 12, trafficClass: UInt8 = 0
  ) -> [UInt8] {
    let network = version == 4 ? 20 : 40
    let tcp = 20 + options
    var packet = [UInt8](repeating: 0, count: network + tcp + payload)
    if version == 4 {
      packet[0] = 0x45
      packet[1] = trafficClass
      put(&packet, 2, packet.count)
      put(&packet, 4, identifier)
      packet[6] = 0x40
      packet[8] = 64
      packet[9] = 6
      packet.replaceSubrange(12..<20, with: [10, 94, 0, 1, 10, 94, 0, 2])
      put(&packet, 10, ~sum(packet[0..<20]) & 0xffff)
    } else {
      packet[0] = 0x60 | trafficClass >> 4
      packet[1] = trafficClass << 4
      put(&packet, 4, tcp + payload)
      packet[6] = 6
      packet[7] = 64
      for index in 8..<40 { packet[index] = UInt8(index * 7 & 0xff) }
    }
    put(&packet, network, 5201)
    put(&packet, network + 2, 44_444)
    for shift in 0..<4 { packet[network + 4 + shift] = UInt8(sequence >> UInt32(24 - 8 * shift) & 0xff) }
    packet[network + 12] = UInt8(tcp / 4) << 4
    packet[network + 13] = flags
    for index in 0..<payload { packet[network + tcp + index] = UInt8((index * 131 + index >> 8) & 0xff) }
    put(&packet, network + 16, pseudoSum(packet, network: network))
    let kind: UInt8 = version == 4 ? 1 : 4
    let header: [UInt8] = [
      1, payload > size ? kind : 0, UInt8(packet.count & 0xff), UInt8(packet.count >> 8 & 0xff),
      UInt8(size & 0xff), UInt8(size >> 8), UInt8(network), 0, 16, 0,
    ]
    return header + packet
  }

  /// A UDP-less packet that is only long enough to be carried.
  static func plain(bytes: Int, trafficClass: UInt8 = 0) -> [UInt8] {
    var packet = [UInt8](repeating: 0, count: bytes)
    packet[0] = 0x45
    packet[1] = trafficClass
    put(&packet, 2, bytes)
    packet[8] = 64
    packet[9] = 17
    put(&packet, 10, ~sum(packet[0..<20]) & 0xffff)
    return [UInt8](repeating: 0, count: 10) + packet
  }

  static func big16(_ bytes: [UInt8], _ at: Int) -> Int { Int(bytes[at]) << 8 | Int(bytes[at + 1]) }

  static func put(_ bytes: inout [UInt8], _ at: Int, _ value: Int) {
    bytes[at] = UInt8(value >> 8 & 0xff)
    bytes[at + 1] = UInt8(value & 0xff)
  }

  /// Ones' complement sum of 16-bit words, folded.
  static func sum(_ bytes: ArraySlice<UInt8>) -> Int {
    var total = 0
    for (index, byte) in bytes.enumerated() { total += index % 2 == 0 ? Int(byte) << 8 : Int(byte) }
    while total > 0xffff { total = total & 0xffff + total >> 16 }
    return total
  }

  /// The sum over addresses, protocol and length that precedes a TCP checksum.
  static func pseudoSum(_ packet: [UInt8], network: Int) -> Int {
    let addresses = network == 20 ? packet[12..<20] : packet[8..<40]
    let length = packet.count - network
    let words: [UInt8] = [0, 6, UInt8(length >> 8 & 0xff), UInt8(length & 0xff)]
    return sum((Array(addresses) + words)[...])
  }

  /// Whether the TCP checksum is right once the device has completed it: the field holds the pseudo-header's
  /// sum, so the completed checksum is the inverted sum over the whole TCP part.
  static func completedChecksumIsRight(_ packet: [UInt8], network: Int) -> Bool {
    let completed = ~sum(packet[network...]) & 0xffff
    var zeroed = packet
    put(&zeroed, network + 16, 0)
    let pseudo = pseudoSum(zeroed, network: network)
    let whole = sum(zeroed[network...])
    var both = [UInt8](repeating: 0, count: 4)
    put(&both, 0, pseudo)
    put(&both, 2, whole)
    return completed == ~sum(both[...]) & 0xffff
  }
}
