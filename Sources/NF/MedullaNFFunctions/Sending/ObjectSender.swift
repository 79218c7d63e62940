import Glibc
import MedullaBase
import MedullaNF
import MedullaPayload

/// Sends objects in datagrams of UDP, and takes answers by the same socket.
package final class ObjectSender {
  private static let answerBytes = 1 << 16
  /// Datagrams after which a sender that keeps to a rate looks at the clock.
  private static let burst = 8

  private let descriptor: Int32

  /// - Parameter place: `10.0.0.1:9000`, or `[2001:db8::1]:9000`.
  package init(to place: String) throws(NFError) {
    descriptor = try Self.open(place)
  }

  private static func open(_ place: String) throws(NFError) -> Int32 {
    guard let colon = place.lastIndex(of: ":"), let port = UInt16(place[place.index(after: colon)...]) else {
      throw NFError(.badSettings, "\"\(place.prefix(80))\" is no address and port, such as 10.0.0.1:9000")
    }
    let address = place[..<colon].filter { $0 != "[" && $0 != "]" }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    hints.ai_flags = AI_NUMERICHOST
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(String(address), String(port), &hints, &found) == 0, let found else {
      throw NFError(.badSettings, "\"\(address.prefix(80))\" is no address")
    }
    defer { freeaddrinfo(found) }
    let descriptor = socket(found.pointee.ai_family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .system("make a socket", errno) }
    guard connect(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
      let number = errno
      close(descriptor)
      throw .system("connect to \(place)", number)
    }
    return descriptor
  }

  deinit { close(descriptor) }

  /// Sends all packets of an object, in order.
  ///
  /// - Parameters:
  ///   - bytes: the object.
  ///   - rate: packets a second; 0: as fast as they go.
  package func send(
    _ writer: PayloadWriter, _ bytes: UnsafeRawBufferPointer, packetsPerSecond rate: Int = 0
  ) throws(NFError) {
    let datagram = UnsafeMutableRawBufferPointer.allocate(
      byteCount: PayloadHeader.bytes + writer.pieceSize, alignment: 16)
    defer { datagram.deallocate() }
    let begun = MonotonicClock.nanoseconds
    for sequence in 0..<writer.packets {
      if rate > 0, sequence % Self.burst == 0 {
        let due = begun + UInt64(sequence) * 1_000_000_000 / UInt64(rate)
        while MonotonicClock.nanoseconds < due { sched_yield() }
      }
      let count = writer.write(sequence, of: bytes, to: datagram)
      try send(UnsafeRawBufferPointer(rebasing: datagram[..<count]))
    }
  }

  private func send(_ datagram: UnsafeRawBufferPointer) throws(NFError) {
    while Glibc.send(descriptor, datagram.baseAddress, datagram.count, 0) != datagram.count {
      // Nobody listens there in the kernel, as far as it knows: a chain takes the frames before.
      guard errno == EINTR || errno == ECONNREFUSED || errno == ENOBUFS else {
        throw .system("send a datagram", errno)
      }
      if errno == ENOBUFS { sched_yield() }
    }
  }

  /// The next answer as text; nil: none came in time.
  package func answer(within limit: Duration) -> String? {
    var bytes = [UInt8](repeating: 0, count: Self.answerBytes)
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
      var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = Int32(clamping: max(1, (end - ContinuousClock.now).nanoseconds / 1_000_000))
      guard poll(&watched, 1, left) > 0 else { continue }
      let count = recv(descriptor, &bytes, bytes.count, 0)
      if count > 0 {
        return String(decoding: bytes.prefix(count).filter { $0 != 0x0a }, as: UTF8.self)
      }
    }
    return nil
  }
}
