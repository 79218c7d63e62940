import Foundation
import Glibc
import MedullaEngines
import Synchronization
import TestbedLink

/// An inference engine behind a UDP socket on loopback, as one would serve a network without a fabric.
///
/// An image comes in datagrams of at most as many bytes as a fabric's cell; the engine runs when the last one
/// is there, and the scores go back in one datagram.
final class EngineSocket: @unchecked Sendable {
  /// The image's number, the piece's and how many pieces there are.
  private static let headerBytes = 8
  private static let pieceBytes = 1_200
  private static let bufferBytes: Int32 = 4 << 20
  private static let patience = timeval(tv_sec: 0, tv_usec: 100_000)
  private static let longestWait = Duration.seconds(5)

  private let model: any LoadedModel
  private let server: Int32
  private let client: Int32
  private let isStopped = Mutex(false)
  private let failure = Mutex<(any Error)?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  /// - Parameter threads: of an inference.
  init(model path: String, threads: Int) throws {
    let engine = try EngineList.named("onnxruntime")
    if let obstacle = engine.obstacle { throw obstacle }
    model = try engine.load(.file(path), options: EngineOptions(threads: threads))
    (server, client) = try Self.connected()
    Thread { [self] in
      do { try serve() } catch { failure.withLock { $0 = error } }
      ended.signal()
    }.start()
  }

  /// Ends the server; nothing may be asked any more.
  func stop() {
    isStopped.withLock { $0 = true }
    ended.wait()
    close(server)
    close(client)
  }

  private static func connected() throws -> (server: Int32, client: Int32) {
    let ends = (0..<2).map { _ in socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }
    var addresses = [sockaddr_in](repeating: sockaddr_in(), count: 2)
    for (end, place) in zip(ends, addresses.indices) {
      var bytes = bufferBytes
      setsockopt(end, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, socklen_t(MemoryLayout<Int32>.size))
      var wait = patience
      setsockopt(end, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let status = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(end, $0, size) == 0 ? getsockname(end, $0, &size) : -1
        }
      }
      guard end >= 0, status == 0 else { throw failed("bound", ends) }
      addresses[place] = address
    }
    for (end, peer) in zip(ends, addresses.reversed()) {
      var peer = peer
      let status = withUnsafePointer(to: &peer) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(end, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard status == 0 else { throw failed("connected", ends) }
    }
    return (ends[0], ends[1])
  }

  private static func failed(_ what: String, _ ends: [Int32]) -> TestbedError {
    let cause = String(cString: strerror(errno))
    for end in ends where end >= 0 { close(end) }
    return TestbedError(
      .linkFailed, "A UDP socket on loopback cannot be \(what).", cause: cause,
      remedy: "Run the command again.")
  }

  private func serve() throws {
    let input = TensorBuffer(.float32, model.inputs[0].shape(any: 1))
    let output = TensorBuffer(.float32, model.outputs[0].shape(any: 1))
    let values = input.bytes.bindMemory(to: Float.self)
    var images: [UInt32: (bytes: [UInt8], left: Int)] = [:]
    var datagram = [UInt8](repeating: 0, count: Self.headerBytes + Self.pieceBytes)
    while !isStopped.withLock({ $0 }) {
      let count = recv(server, &datagram, datagram.count, 0)
      guard count > Self.headerBytes else { continue }
      let (number, piece, pieces) = Self.header(datagram)
      var image =
        images.removeValue(forKey: number)
        ?? (bytes: [UInt8](repeating: 0, count: values.count), left: pieces)
      let start = piece * Self.pieceBytes
      image.bytes.replaceSubrange(
        start..<start + count - Self.headerBytes, with: datagram[Self.headerBytes..<count])
      image.left -= 1
      guard image.left == 0 else {
        images[number] = image
        continue
      }
      for place in values.indices { values[place] = Float(image.bytes[place]) }
      try model.run(inputs: [input.view], outputs: [output.view])
      let answer = Array(datagram[..<Self.headerBytes]) + output.bytes
      Glibc.send(server, answer, answer.count, 0)
    }
  }

  private static func header(_ datagram: [UInt8]) -> (number: UInt32, piece: Int, pieces: Int) {
    datagram.withUnsafeBytes { raw in
      (
        raw.loadUnaligned(as: UInt32.self), Int(raw.loadUnaligned(fromByteOffset: 4, as: UInt16.self)),
        Int(raw.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
      )
    }
  }

  /// Answers in the order of the images: the scores, and from the first byte that was sent to the last that
  /// came.
  ///
  /// - Parameter images: bytes of a colour each.
  /// - Throws: `linkFailed` when an answer does not come; what the engine says.
  func infer(_ images: [[UInt8]], window: Int) throws -> [(scores: [Float], time: Duration)] {
    var answers = [(scores: [Float], time: Duration)?](repeating: nil, count: images.count)
    var started = [ContinuousClock.Instant](repeating: .now, count: images.count)
    var (sent, received) = (0, 0)
    var datagram = [UInt8](repeating: 0, count: 65_536)
    var last = ContinuousClock.now
    while received < images.count {
      while sent < images.count, sent - received < window {
        started[sent] = .now
        send(images[sent], number: sent)
        sent += 1
      }
      let count = recv(client, &datagram, datagram.count, 0)
      guard count > Self.headerBytes else {
        if let failure = failure.withLock({ $0 }) { throw failure }
        guard ContinuousClock.now - last < Self.longestWait else {
          throw TestbedError(
            .linkFailed, "The engine behind the socket does not answer.", remedy: "Run the command again.")
        }
        continue
      }
      last = .now
      let number = Int(Self.header(datagram).number)
      let scores = datagram[Self.headerBytes..<count].withUnsafeBytes { raw in
        (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
      answers[number] = (scores, last - started[number])
      received += 1
    }
    return answers.compactMap { $0 }
  }

  private func send(_ image: [UInt8], number: Int) {
    let pieces = (image.count + Self.pieceBytes - 1) / Self.pieceBytes
    for piece in 0..<pieces {
      var datagram: [UInt8] = []
      withUnsafeBytes(of: UInt32(number)) { datagram += $0 }
      withUnsafeBytes(of: UInt16(piece)) { datagram += $0 }
      withUnsafeBytes(of: UInt16(pieces)) { datagram += $0 }
      datagram += image[piece * Self.pieceBytes..<min((piece + 1) * Self.pieceBytes, image.count)]
      Glibc.send(client, datagram, datagram.count, 0)
    }
  }
}
