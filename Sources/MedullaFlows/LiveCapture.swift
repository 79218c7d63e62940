import CPCAP
import Glibc

/// Frames of an interface as they come, by libpcap (AF_PACKET on Linux).
///
/// What a program at XDP drops or redirects does not reach it; what one at tc drops at the ingress does.
package final class LiveCapture {
  /// Of a frame: what is beyond it is not given.
  private static let snapLength: Int32 = 4_096
  /// How much waits in the kernel; what does not fit is counted as lost.
  private static let bufferBytes: Int32 = 8 << 20
  /// How long `next` waits.
  private static let waitMilliseconds: Int32 = 100

  package let device: String
  package let link: LinkLayer
  private let handle: OpaquePointer
  private let descriptor: Int32

  /// - Throws: `unreadable` with what libpcap says, `unknownLink`.
  package init(_ device: String) throws(CaptureError) {
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let handle = pcap_create(device, &message) else {
      throw Self.refused(device, Self.text(message))
    }
    pcap_set_snaplen(handle, Self.snapLength)
    pcap_set_promisc(handle, 0)
    pcap_set_timeout(handle, Self.waitMilliseconds)
    pcap_set_buffer_size(handle, Self.bufferBytes)
    pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO)
    let status = pcap_activate(handle)
    // Above 0 are warnings.
    guard status >= 0 else {
      let cause = "\(String(cString: pcap_statustostr(status))) \(String(cString: pcap_geterr(handle)))"
      pcap_close(handle)
      throw Self.refused(device, cause)
    }
    guard let link = LinkLayer(pcap_datalink(handle)) else {
      pcap_close(handle)
      throw CaptureError(
        .unknownLink, "\(device) has frames of a link type from which no flows are read",
        remedy: "read an interface of Ethernet, PPP or a tunnel")
    }
    // libpcap's own time begins with the first frame: where none comes, it would wait for ever.
    let descriptor = pcap_get_selectable_fd(handle)
    guard descriptor >= 0, pcap_setnonblock(handle, 1, &message) == 0 else {
      pcap_close(handle)
      throw Self.refused(device, "libpcap cannot wait for its frames for a time: \(Self.text(message))")
    }
    (self.device, self.link, self.handle, self.descriptor) = (device, link, handle, descriptor)
  }

  deinit { pcap_close(handle) }

  /// The next frame; nil: none has come for a tenth of a second.
  ///
  /// - Throws: `unreadable` when the interface has gone.
  package func next() throws(CaptureError) -> CaptureFrame? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    var status = pcap_next_ex(handle, &header, &data)
    if status == 0 {
      var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // A signal ends it early, and then there is no frame either.
      guard poll(&waited, 1, Self.waitMilliseconds) > 0 else { return nil }
      status = pcap_next_ex(handle, &header, &data)
    }
    if status == 0 { return nil }
    guard status == 1, let header = header?.pointee else {
      throw Self.refused(device, String(cString: pcap_geterr(handle)))
    }
    // With the chosen precision libpcap's microseconds are nanoseconds.
    let seconds = UInt64(clamping: header.ts.tv_sec), rest = UInt64(clamping: header.ts.tv_usec)
    return CaptureFrame(
      nanoseconds: seconds &* 1_000_000_000 &+ rest,
      bytes: UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : Int(header.caplen)),
      length: Int(header.len))
  }

  /// Frames that found no room, so far.
  package var lost: UInt64 {
    var counts = pcap_stat()
    return pcap_stats(handle, &counts) == 0 ? UInt64(counts.ps_drop) : 0
  }

  private static func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func refused(_ device: String, _ cause: String) -> CaptureError {
    CaptureError(
      .unreadable, "packets of \(device) cannot be read", cause: cause,
      remedy: "name an interface of `ip link`; reading one needs root or CAP_NET_RAW")
  }
}
