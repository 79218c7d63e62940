import CHost
import Glibc

/// Frames of an interface by a packet socket that was opened elsewhere: reading it takes no right.
///
/// What may not open such a socket itself, because it parses what strangers send, is handed one. Tags of
/// virtual networks that the kernel has taken out are put back, as libpcap does. Used from one thread, but
/// for the descriptor's opening.
package final class PacketSocket: FrameSource {
  /// Of a frame: what is beyond it is not given.
  private static let snapLength = 4_096
  private static let room = snapLength + Int(MEDULLA_TAG_BYTES)
  /// How much waits in the kernel; what does not fit is counted as lost.
  private static let bufferBytes: Int32 = 16 << 20
  /// How long `next` waits.
  private static let waitMilliseconds: Int32 = 100

  package let device: String
  package let link: LinkLayer
  private let descriptor: Int32
  private let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
  private var lostFrames: UInt64 = 0

  /// Opens a socket that receives all frames of an interface from now on, and no other's.
  ///
  /// - Parameter filter: the descriptor of a program that says of each frame how much of it is received; nil:
  ///   all of it. Whoever is handed the socket alone cannot change it.
  /// - Returns: a descriptor, which is the caller's to close.
  /// - Throws: `unreadable` where there is no such interface or no right to read it.
  package static func open(_ device: String, filter: Int32? = nil) throws(CaptureError) -> Int32 {
    let descriptor = medulla_open_packets(device, bufferBytes, filter ?? -1)
    guard descriptor < 0 else { return descriptor }
    switch -descriptor {
    case ENODEV:
      throw CaptureError(
        .unreadable, "there is no interface \(device) whose packets could be read",
        remedy: "name one of `ip link`, or make it: it is looked for again")
    case EPERM, EACCES:
      throw CaptureError(
        .unreadable, "packets of \(device) may not be read: this process lacks CAP_NET_RAW",
        remedy: "start as root; a daemon keeps the right where its configuration needed it at its start, so "
          + "restart it")
    case EAFNOSUPPORT:
      throw CaptureError(
        .unreadable, "packets of \(device) cannot be read: this process may open no packet sockets",
        remedy: "the service's RestrictAddressFamilies= must name AF_PACKET, and the kernel have them")
    default:
      throw CaptureError(
        .unreadable, "packets of \(device) cannot be read", cause: String(cString: strerror(-descriptor)),
        remedy: "see `ip link show \(device)`")
    }
  }

  /// - Parameters:
  ///   - descriptor: what `open` gave; it is closed with this.
  ///   - device: how errors name its interface.
  /// - Throws: `unreadable` when it is no packet socket.
  package init(owning descriptor: Int32, of device: String) throws(CaptureError) {
    let isEthernet = medulla_packets_are_ethernet(descriptor)
    guard isEthernet >= 0 else {
      throw CaptureError(
        .unreadable, "descriptor \(descriptor) is no packet socket",
        cause: String(cString: strerror(-isEthernet)), remedy: "it is handed on by who starts this program")
    }
    (self.descriptor, self.device) = (descriptor, device)
    link = isEthernet == 1 ? .ethernet : .raw
  }

  deinit {
    close(descriptor)
    buffer.deallocate()
  }

  package func next() throws(CaptureError) -> CaptureFrame? {
    var received = medulla_received()
    var status = medulla_receive_packet(descriptor, buffer, Self.room, &received)
    if status == -EAGAIN {
      var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // A signal ends it early, and then there is no frame either.
      _ = poll(&waited, 1, Self.waitMilliseconds)
      status = medulla_receive_packet(descriptor, buffer, Self.room, &received)
    }
    if status == 0 { return frame(received) }
    // Down it may be for a while. That it has gone the kernel does not say where it was down before.
    let isQuiet = [EAGAIN, ENETDOWN].contains(-status)
    guard isQuiet, medulla_packets_have_ended(descriptor) == 0 else {
      throw CaptureError(
        .unreadable, "packets of \(device) can no longer be read",
        cause: isQuiet ? "the interface has gone" : String(cString: strerror(-status)),
        remedy: "make it again: it is looked for with the next start")
    }
    return nil
  }

  /// nil: what follows another link's header is no IP.
  private func frame(_ received: medulla_received) -> CaptureFrame? {
    guard link == .ethernet || Self.types.contains(received.type) else { return nil }
    return CaptureFrame(
      nanoseconds: received.nanoseconds,
      bytes: UnsafeRawBufferPointer(start: buffer + Int(received.start), count: Int(received.captured)),
      length: Int(received.length))
  }

  /// IPv4 and IPv6.
  private static let types: Set<UInt16> = [0x0800, 0x86dd]

  package var lost: UInt64 {
    var more: UInt32 = 0
    if medulla_packets_lost(descriptor, &more) == 0 { lostFrames += UInt64(more) }
    return lostFrames
  }
}
