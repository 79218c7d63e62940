import CMedullaNF
import Glibc
import MedullaBase

/// A network function's side of its chain. One thread at a time.
package final class FunctionPort {
  package static let batch = 64
  package static let idleInterval = Duration.milliseconds(10)
  /// The variable by which a started function finds its host.
  package static let variable = "MEDULLA_NF_FD"

  private let port: OpaquePointer
  private let raw = UnsafeMutablePointer<medulla_nf_frame>.allocate(capacity: FunctionPort.batch)
  /// All of packet memory.
  package let memory: UnsafeRawBufferPointer
  package let welcome: nf_welcome

  /// Attaches as the function of that name at the path of a chain's host; without a path by the channel that
  /// this process was started with.
  ///
  /// - Throws: `handshake` where the other side is no host of this version, or has no such function.
  package init(path: String? = nil, function: String? = nil) throws(NFError) {
    var made: OpaquePointer?
    let status = medulla_nf_attach(path, function, &made)
    guard status == 0, let made, let said = medulla_nf_welcome(made) else {
      throw Self.refused(path, function, status)
    }
    port = made
    welcome = said.pointee
    var bytes: UInt64 = 0
    let start = medulla_nf_memory(made, &bytes)
    memory = UnsafeRawBufferPointer(start: start, count: Int(bytes))
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
  /// - Throws: what the function throws; `hostGone` is no error here.
  package func serve(_ function: some NetworkFunction) throws {
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
