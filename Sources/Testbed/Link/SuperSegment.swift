import Glibc

/// The 10-byte header before each packet of a TUN device with `IFF_VNET_HDR` (virtio 1.2, 5.1.6, in the
/// machine's byte order): flags, GSO type, header length, GSO size, checksum start, checksum offset.
enum VirtioHeader {
  static let bytes = 10
  static let gsoNone: UInt8 = 0
  static let gsoTCPv4: UInt8 = 1
  static let gsoTCPv6: UInt8 = 4
  static let gsoECN: UInt8 = 0x80
}

/// Where the parts of a TCP super-segment lie, as its virtio-net header and TCP header say.
struct SuperSegment: Equatable {
  /// Bytes before the TCP header.
  let networkBytes: Int
  /// Bytes of IP and TCP headers.
  let headerBytes: Int
  let payloadBytes: Int
  /// Payload of one segment.
  let segmentBytes: Int

  var segments: Int { (payloadBytes + segmentBytes - 1) / segmentBytes }
  /// Bytes of the segments with a header each.
  var wireBytes: Int { payloadBytes + segments * headerBytes }

  /// Reads the frame (virtio-net header and packet); nil for anything but a well-formed TCP super-segment.
  @inline(__always)
  init?(frame: UnsafePointer<UInt8>, length: Int) {
    let kind = frame[1] & ~VirtioHeader.gsoECN
    guard kind == VirtioHeader.gsoTCPv4 || kind == VirtioHeader.gsoTCPv6 else { return nil }
    let packet = frame + VirtioHeader.bytes
    let packetBytes = length - VirtioHeader.bytes
    let start = Int(frame[6]) | Int(frame[7]) << 8
    let size = Int(frame[4]) | Int(frame[5]) << 8
    guard size > 0, start >= (kind == VirtioHeader.gsoTCPv4 ? 20 : 40), packetBytes >= start + 20,
      packet[0] >> 4 == (kind == VirtioHeader.gsoTCPv4 ? 4 : 6)
    else { return nil }
    let header = start + Int(packet[start + 12] >> 4) * 4
    guard header >= start + 20, packetBytes > header else { return nil }
    networkBytes = start
    headerBytes = header
    payloadBytes = packetBytes - header
    segmentBytes = size
  }

  /// Writes the unit that carries `count` payload bytes from `offset` into `unit`, which has room for
  /// `VirtioHeader.bytes + headerBytes + count`. `offset` is a multiple of `segmentBytes`.
  ///
  /// What `tcp_gso_segment` does in the kernel: sequence number and IP identification advance, FIN and PSH
  /// stay with the last unit, CWR with the first; the TCP checksum field keeps the pseudo-header's sum, as
  /// the checksum itself is left to the receiving device (`VIRTIO_NET_HDR_F_NEEDS_CSUM`).
  @inline(__always)
  func cut(
    _ frame: UnsafePointer<UInt8>, offset: Int, count: Int, into unit: UnsafeMutablePointer<UInt8>
  ) {
    let packet = frame + VirtioHeader.bytes
    let copied = VirtioHeader.bytes + headerBytes
    memcpy(unit, frame, copied)
    memcpy(unit + copied, frame + copied + offset, count)
    setHeader(unit, single: count <= segmentBytes, first: offset == 0)

    let out = unit + VirtioHeader.bytes
    if packet[0] >> 4 == 4 {
      out.putBig16(headerBytes + count, at: 2)
      out.putBig16(packet.big16(at: 4) &+ offset / segmentBytes, at: 4)
      InternetChecksum.setIPv4Header(out)
    } else {
      out.putBig16(headerBytes - 40 + count, at: 4)
    }

    let tcp = out + networkBytes
    let sequence =
      UInt32(packet.big16(at: networkBytes + 4)) << 16
      | UInt32(packet.big16(at: networkBytes + 6))
    let advanced = sequence &+ UInt32(truncatingIfNeeded: offset)
    tcp.putBig16(Int(advanced >> 16), at: 4)
    tcp.putBig16(Int(advanced & 0xffff), at: 6)
    if offset + count < payloadBytes { tcp[13] &= ~0x09 }
    if offset > 0 { tcp[13] &= ~0x80 }
    let before = headerBytes - networkBytes + payloadBytes
    let after = headerBytes - networkBytes + count
    tcp.putBig16(
      InternetChecksum.fold(tcp.big16(at: 16) + (~before & 0xffff) + after), at: 16)
  }

  @inline(__always)
  private func setHeader(_ unit: UnsafeMutablePointer<UInt8>, single: Bool, first: Bool) {
    if single {
      unit[1] = VirtioHeader.gsoNone
      unit[4] = 0
      unit[5] = 0
    } else if !first {
      unit[1] &= ~VirtioHeader.gsoECN
    }
    // The kernel's own value may include payload that a short unit does not have, and is then refused.
    unit[2] = UInt8(truncatingIfNeeded: headerBytes)
    unit[3] = UInt8(truncatingIfNeeded: headerBytes >> 8)
  }
}

extension UnsafePointer<UInt8> {
  @inline(__always)
  func big16(at offset: Int) -> Int { Int(self[offset]) << 8 | Int(self[offset + 1]) }
}

extension UnsafeMutablePointer<UInt8> {
  @inline(__always)
  func big16(at offset: Int) -> Int { Int(self[offset]) << 8 | Int(self[offset + 1]) }

  @inline(__always)
  func putBig16(_ value: Int, at offset: Int) {
    self[offset] = UInt8(truncatingIfNeeded: value >> 8)
    self[offset + 1] = UInt8(truncatingIfNeeded: value)
  }
}
