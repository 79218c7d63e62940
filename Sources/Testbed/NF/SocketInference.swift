import Foundation
import Glibc
import MedullaBase
import MedullaEngines
import MedullaPayload
import TestbedLink

/// What a user would write without Medulla: a UDP socket, a copy of each payload to its place, and the engine
/// when an image is whole.
final class SocketInference: @unchecked Sendable {
  private static let receiveBuffer: Int32 = 64 << 20
  private let lock = NSLock()
  private var answers: [(times: ImageTimes, end: UInt64)] = []
  private var failed: (any Error)?
  private var isStopped = false
  private let signal = DispatchSemaphore(value: 0)
  private let begun = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  init(
    model: String, imageBytes: Int, threads: Int?, port: Int, in namespace: NetworkNamespace
  ) throws {
    Thread { [self] in
      do {
        let descriptor = try namespace.inside { try Self.open(port) }
        defer { close(descriptor) }
        let engine = try EngineList.named("onnxruntime")
        if let obstacle = engine.obstacle { throw obstacle }
        let loaded = try engine.load(.file(model), options: EngineOptions(threads: threads))
        begun.signal()
        try serve(descriptor, loaded, imageBytes)
      } catch {
        lock.withLock { failed = error }
        begun.signal()
        signal.signal()
      }
      ended.signal()
    }.start()
    begun.wait()
    try check()
  }

  private static func open(_ port: Int) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure("make a socket") }
    var bytes = receiveBuffer
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, socklen_t(MemoryLayout<Int32>.size))
    var wait = timeval(tv_sec: 0, tv_usec: 50_000)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      close(descriptor)
      throw failure("bind its socket")
    }
    return descriptor
  }

  private static func failure(_ what: String) -> TestbedError {
    TestbedError(
      .linkFailed, "The receiver cannot \(what).", cause: String(cString: strerror(errno)),
      remedy: "Run the command again.")
  }

  private func serve(_ descriptor: Int32, _ model: any LoadedModel, _ imageBytes: Int) throws {
    let input = TensorBuffer(model.inputs[0].element, model.inputs[0].shape.map { $0 ?? 1 })
    let output = TensorBuffer(model.outputs[0].element, model.outputs[0].shape.map { $0 ?? 1 })
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 64)
    defer { buffer.deallocate() }
    var received = 0
    var (first, object) = (UInt64(0), UInt64.max)
    while !lock.withLock({ isStopped }) {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      guard count > 0 else { continue }
      let datagram = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      guard let header = try? PayloadHeader(datagram), Int(header.size) == imageBytes,
        input.bytes.count == imageBytes
      else { continue }
      if header.object != object {
        (received, first, object) = (0, MonotonicClock.nanoseconds, header.object)
      }
      UnsafeMutableRawBufferPointer(rebasing: input.bytes[Int(header.offset)...]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: datagram[PayloadHeader.bytes...]))
      received += Int(header.length)
      guard received == imageBytes else { continue }
      let whole = MonotonicClock.nanoseconds
      try model.run(inputs: [input.view], outputs: [output.view])
      let end = MonotonicClock.nanoseconds
      lock.withLock {
        answers.append(
          (
            ImageTimes(
              total: 0, receive: Double(whole - first) / 1e6, transfer: 0,
              compute: Double(end - whole) / 1e6), end
          ))
      }
      signal.signal()
    }
  }

  /// The next answer; nil: none came in time.
  func next(within limit: Duration) -> (ImageTimes, UInt64)? {
    guard signal.wait(timeout: .now() + limit.inSeconds) == .success else { return nil }
    return lock.withLock { answers.isEmpty ? nil : answers.removeFirst() }
  }

  func check() throws {
    if let failure = lock.withLock({ failed }) { throw failure }
  }

  func stop() {
    lock.withLock { isStopped = true }
    ended.wait()
    ended.signal()
  }
}
