import CMedullaNF
import Glibc
import MedullaBase

/// A network function's side of its chain. One thread at a time.
package final class FunctionPort {
  package static let batch = 64
  package static let idleInterval = Duration.milliseconds(10)
  /// The variable by which a started function finds its host.
  package static let variable = "MEDULLA_NF_FD"

  /// Between two looks for a host that has gone.
  private static let absenceMicroseconds: UInt32 = 20_000

  private let path: String?
  private let function: String?
  private var port: OpaquePointer
  private let raw = UnsafeMutablePointer<medulla_nf_frame>.allocate(capacity: FunctionPort.batch)
  /// All of packet memory.
  package private(set) var memory: UnsafeRawBufferPointer
  package private(set) var welcome: nf_welcome
  /// Frames that were received and lost, because the host went before they were returned.
  package private(set) var lost: UInt64 = 0

  /// Attaches as the function of that name at the path of a chain's host; without a path by the channel that
  /// this process was started with.
  ///
  /// - Throws: `handshake` where the other side is no host of this version, or has no such function.
  package init(path: String? = nil, function: String? = nil) throws(NFError) {
    self.path = path
    self.function = function
    (port, welcome, memory) = try Self.attach(path, function)
  }

  private static func attach(
    _ path: String?, _ function: String?
  ) throws(NFError) -> (OpaquePointer, nf_welcome, UnsafeRawBufferPointer) {
    var made: OpaquePointer?
    let status = medulla_nf_attach(path, function, &made)
    guard status == 0, let made, let said = medulla_nf_welcome(made) else {
      throw refused(path, function, status)
    }
    var bytes: UInt64 = 0
    let start = medulla_nf_memory(made, &bytes)
    return (made, said.pointee, UnsafeRawBufferPointer(start: start, count: Int(bytes)))
  }

  /// Attaches again after `hostGone`, once a host is at the same path; what was held is lost, and counted.
  ///
  /// - Throws: `handshake`, the last reason, where none was there for so long, or none takes this function;
  ///   at once where the host has started this process, since the next one starts another.
  package func reattach(within patience: Duration) throws(NFError) {
    let deadline = MonotonicClock.nanoseconds + UInt64(patience.nanoseconds)
    while true {
      do throws(NFError) {
        guard path != nil else { throw Self.refused(nil, function, -ECONNREFUSED) }
        let (next, said, mapped) = try Self.attach(path, function)
        // What keeps a host from the interface was given up when the last one was seen to have gone.
        lost += medulla_nf_held(port)
        medulla_nf_detach(port)
        (port, welcome, memory) = (next, said, mapped)
        return
      } catch {
        guard error.code == .handshake, path != nil, MonotonicClock.nanoseconds < deadline else {
          throw error
        }
        usleep(Self.absenceMicroseconds)
      }
    }
  }

  deinit {
    medulla_nf_detach(port)
    raw.deallocate()
  }

  private static func refused(_ path: String?, _ function: String?, _ status: Int32) -> NFError {
    let place = path.map { "the host at \($0)" } ?? "the host that started this process"
    switch -status {
    case ECONNREFUSED, ECONNRESET, EPIPE:
      return NFError(
        .handshake, "\(place) refused",
        cause: "it has no function \"\(function ?? "")\" that is free and open to this user",
        remedy: "`medulla nf list` shows the functions of each chain")
    case ENOENT:
      return NFError(
        .handshake, "\(place) is not there", remedy: "start the chain: `medulla nf start FILE`")
    case ENOTCONN:
      return NFError(
        .handshake, "this process was not started by a chain's host",
        remedy: "name the host's path and the function")
    case EPROTO:
      return NFError(.handshake, "\(place) is of another version, or no host")
    default: return .system("attach to \(place)", status)
    }
  }

  package var name: String { Self.text(welcome.function) }
  package var chain: String { Self.text(welcome.chain) }
  package var quota: Int { Int(welcome.quota) }
  /// Bytes of a frame in packet memory.
  package var frameBytes: Int { Int(welcome.frame_bytes) }
  /// The JSON object of the function's parameters.
  package var parameters: String { medulla_nf_parameters(port).map { String(cString: $0) } ?? "{}" }
  /// Frames that were received and not returned.
  package var held: Int { Int(medulla_nf_held(port)) }
  /// Packet memory for writing; nil: the chain's file does not let this function.
  package var writableMemory: UnsafeMutableRawBufferPointer? {
    medulla_nf_writable_memory(port).map { UnsafeMutableRawBufferPointer(start: $0, count: memory.count) }
  }

  /// The names of what the function's branches lead to.
  package var branches: [String] {
    withUnsafeBytes(of: welcome.branch) { bytes in
      (0..<Int(welcome.branches)).map { index in
        let start = index * Int(NF_NAME_BYTES)
        return String(decoding: bytes[start...].prefix(Int(NF_NAME_BYTES)).prefix { $0 != 0 }, as: UTF8.self)
      }
    }
  }

  private static func text<Field>(_ field: Field) -> String {
    withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// Takes up to `FunctionPort.batch` frames, and waits for the first.
  ///
  /// - Returns: how many; 0: none came.
  /// - Throws: `hostGone` when the chain has ended.
  @inline(__always)
  package func receive(
    into frames: UnsafeMutableBufferPointer<Frame>, waiting: Duration = FunctionPort.idleInterval
  ) throws(NFError) -> Int {
    let most = Int32(min(frames.count, Self.batch))
    let count = medulla_nf_receive(port, raw, most, Int64(waiting.nanoseconds))
    guard count >= 0 else { throw Self.gone(count) }
    for index in 0..<Int(count) { frames.initializeElement(at: index, to: Frame(raw[index])) }
    return Int(count)
  }

  private static func gone(_ status: Int32) -> NFError {
    switch -status {
    case EPIPE: return NFError(.hostGone, "the chain's host has gone, or has ended this function")
    case EPROTO: return NFError(.handshake, "what the host gave is nonsense")
    default: return .system("receive frames", status)
    }
  }

  /// Returns a frame; the host hears of it with the next `receive` or `flush` at the latest.
  @inline(__always)
  package func `return`(_ frame: Frame, _ verdict: Verdict) {
    self.return(place: frame.place, length: frame.bytes.count, verdict)
  }

  /// - Parameters:
  ///   - place: the first byte's, which may have been moved within its frame.
  ///   - length: bytes from there.
  @inline(__always)
  package func `return`(place: Int, length: Int, _ verdict: Verdict) {
    let status = medulla_nf_return(port, UInt64(place), UInt32(truncatingIfNeeded: length), verdict.number)
    precondition(status != -EOVERFLOW, "more frames were returned than received")
    precondition(status != -EINVAL, "a frame was returned with a verdict or a length that cannot be")
  }

  package func flush() { medulla_nf_flush(port) }

  /// Publishes a count, shown by `medulla nf stats`; names have at most 23 letters, digits and _.
  package func count(_ name: String, _ value: UInt64) { medulla_nf_count(port, name, value) }

  /// Serves until the host ends the function.
  ///
  /// - Parameter patience: so long the function waits for another host where its own has gone, and goes on.
  /// - Throws: what the function throws; `hostGone` is no error here.
  package func serve(_ function: some NetworkFunction, reattaching patience: Duration = .zero) throws {
    while true {
      try serveOneHost(function)
      guard patience > .zero, path != nil else { return }
      do {
        try reattach(within: patience)
      } catch {
        guard error.code == .handshake else { throw error }
        return
      }
      count("lost", lost)
      try function.startAnew(by: self)
    }
  }

  private func serveOneHost(_ function: some NetworkFunction) throws {
    let frames = UnsafeMutableBufferPointer<Frame>.allocate(capacity: Self.batch)
    defer { frames.deallocate() }
    let interval = UInt64(Self.idleInterval.nanoseconds)
    var looked = MonotonicClock.nanoseconds
    while true {
      let count: Int
      do {
        count = try receive(into: frames)
      } catch {
        guard error.code == .hostGone else { throw error }
        return
      }
      if count > 0 {
        try function.receive(UnsafeBufferPointer(rebasing: frames[..<count]), by: self)
      }
      let now = MonotonicClock.nanoseconds
      guard count == 0 || now - looked >= interval else { continue }
      looked = now
      try function.look(by: self)
    }
  }
}
