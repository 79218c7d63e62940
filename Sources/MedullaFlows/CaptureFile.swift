import CPCAP
import Foundation

/// One frame of a capture; `bytes` is gone with the next one.
package struct CaptureFrame {
  /// Since 1970.
  package let nanoseconds: UInt64
  package let bytes: UnsafeRawBufferPointer
  /// On the wire, where the capture has cut it off.
  package let length: Int

  package init(nanoseconds: UInt64, bytes: UnsafeRawBufferPointer, length: Int) {
    (self.nanoseconds, self.bytes, self.length) = (nanoseconds, bytes, length)
  }
}

/// A capture, pcap or pcapng, read from its first packet to its last.
package final class CaptureFile {
  package let path: String
  package let link: LinkLayer
  private let handle: OpaquePointer

  /// - Parameter path: a file, or `-` for standard input.
  /// - Throws: `unreadable` with what libpcap says, `unknownLink`.
  package init(_ path: String) throws(CaptureError) {
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard
      let handle = pcap_open_offline_with_tstamp_precision(
        path, UInt32(PCAP_TSTAMP_PRECISION_NANO), &message)
    else {
      let said = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw CaptureError(
        .unreadable, "\(path) cannot be read as a capture", cause: said,
        remedy: "give a file that tcpdump -w or dumpcap wrote, pcap or pcapng")
    }
    let number = pcap_datalink(handle)
    guard let link = LinkLayer(number) else {
      let name = pcap_datalink_val_to_name(number).map { String(cString: $0) } ?? "number \(number)"
      pcap_close(handle)
      throw CaptureError(
        .unknownLink, "\(path) has frames of the link type \(name), from which no flows are read",
        remedy: "capture on Ethernet, any, PPP or a tunnel; editcap -T ether changes a type that is wrong")
    }
    (self.path, self.link, self.handle) = (path, link, handle)
  }

  deinit { pcap_close(handle) }

  /// nil at the end.
  ///
  /// - Throws: `truncated` when what comes next is no packet; what was read before it counts.
  package func next() throws(CaptureError) -> CaptureFrame? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    let status = pcap_next_ex(handle, &header, &data)
    if status == PCAP_ERROR_BREAK { return nil }
    guard status == 1, let header = header?.pointee else {
      throw CaptureError(
        .truncated, "\(path) is broken", cause: String(cString: pcap_geterr(handle)),
        remedy: "what was read before it is given; write the capture again, or mend it with pcapfix")
    }
    // With the chosen precision libpcap's microseconds are nanoseconds.
    let seconds = UInt64(clamping: header.ts.tv_sec), rest = UInt64(clamping: header.ts.tv_usec)
    return CaptureFrame(
      nanoseconds: seconds &* 1_000_000_000 &+ rest,
      bytes: UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : Int(header.caplen)),
      length: Int(header.len))
  }
}
