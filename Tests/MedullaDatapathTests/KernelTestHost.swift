import CMedulla
import Foundation
import Glibc
import MedullaCodegen
import MedullaModel
import MedullaSnapshot
import Testing

@testable import MedullaDatapath

/// What tests that load programs need, and where they get it.
enum KernelTestHost {
  static let reason: Comment = "needs root, a kernel with TCP struct_ops, clang and iproute2"

  /// With MEDULLA_REQUIRE_KERNEL=1 such tests run, and fail where the kernel cannot.
  static let isUsable: Bool = {
    if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1" { return true }
    let needed = ["privileges", "btf", "struct_ops", "clang", "ip"]
    return Doctor().examine().checks.allSatisfy { $0.ok || !needed.contains($0.name) }
  }()

  /// A name that no other run uses.
  static func name(_ letter: String) -> String { "t\(letter)-\(getpid() % 100_000_000)" }

  /// A network of any size for a custom function.
  static func network(
    seed: UInt64, inputs: Int, outputs: Int, hidden: Int = 6
  ) throws -> (snapshot: DatapathSnapshot, file: SnapshotFile) {
    var generator = SplitMix(state: seed)
    func dense(_ inputs: Int, _ outputs: Int) -> Layer {
      .dense(
        Dense(
          inputs: inputs, outputs: outputs,
          weights: (0..<inputs * outputs).map { _ in Float.random(in: -0.5...0.5, using: &generator) },
          bias: (0..<outputs).map { _ in Float.random(in: -0.5...0.5, using: &generator) }))
    }
    let network = try Network(
      name: "network-\(seed)", inputShape: TensorShape([inputs]),
      layers: [dense(inputs, hidden), .activation(.relu), dense(hidden, outputs)])
    let samples = (0..<64).map { _ in
      (0..<inputs).map { _ in Float.random(in: 0...2_000, using: &generator) }
    }
    let file = try SnapshotFile(Quantizer().quantize(network, Calibration(samples: samples)))
    return (try DatapathSnapshot(file, name: network.name), file)
  }

  /// A policy of the controller's size whose actions are small and differ from seed to seed.
  static func policy(seed: UInt64, hidden: Int = 16) throws -> (
    snapshot: DatapathSnapshot, file: SnapshotFile
  ) {
    var generator = SplitMix(state: seed)
    func dense(_ inputs: Int, _ outputs: Int, reach: Float) -> Layer {
      .dense(
        Dense(
          inputs: inputs, outputs: outputs,
          weights: (0..<inputs * outputs).map { _ in Float.random(in: -reach...reach, using: &generator) },
          bias: (0..<outputs).map { _ in Float.random(in: -reach...reach, using: &generator) }))
    }
    let network = try Network(
      name: "policy-\(seed)", inputShape: TensorShape([30]),
      layers: [
        dense(30, hidden, reach: 0.3), .activation(.tanh), dense(hidden, 8, reach: 0.5), .activation(.tanh),
        dense(8, 1, reach: 0.05),
      ])
    let samples = (0..<64).map { _ in
      (0..<10).flatMap { _ in
        [
          Float.random(in: -1...1, using: &generator), Float.random(in: 1...6, using: &generator),
          Float.random(in: 0.2...3, using: &generator),
        ]
      }
    }
    let file = try SnapshotFile(Quantizer().quantize(network, Calibration(samples: samples)))
    return (try DatapathSnapshot(file, name: network.name), file)
  }
}

/// A network namespace with a slow loopback, removed with its last owner.
final class SlowLoopback {
  static let address = "127.0.0.1"
  let name: String

  /// - Parameter rate: of the loopback in both directions together, as `tc` writes it.
  init(rate: String = "200mbit") throws {
    // The form by which an abandoned namespace is told from one in use.
    name = "medulla-\(getpid())-\(UInt32.random(in: 0...UInt32.max))-loopback"
    try Self.run(["ip", "netns", "add", name])
    do {
      try Self.run(["ip", "-n", name, "link", "set", "lo", "mtu", "1500", "up"])
      try Self.run([
        "ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", rate, "burst",
        "40000", "limit", "60000",
      ])
    } catch {
      try? Self.run(["ip", "netns", "del", name])
      throw error
    }
  }

  deinit { try? Self.run(["ip", "netns", "del", name]) }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// What a program says on standard output inside the namespace.
  func output(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["ip", "netns", "exec", name] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let text = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
  }

  static func run(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(
        description: "\(arguments.joined(separator: " ")): \(String(decoding: text, as: UTF8.self))")
    }
  }

  /// Runs `body` on a thread of its own that has entered the namespace.
  func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    let box = ThreadResult<Value>()
    let done = DispatchSemaphore(value: 0)
    let path = "/run/netns/\(name)"
    Thread {
      defer { done.signal() }
      box.result = Result {
        let status = medulla_enter_network_namespace(path)
        guard status == 0 else { throw Failure(description: "cannot enter \(path): \(-status)") }
        return try body()
      }
    }.start()
    done.wait()
    guard let result = box.result else { throw Failure(description: "the thread gave nothing") }
    return try result.get()
  }
}

private final class ThreadResult<Value: Sendable>: @unchecked Sendable {
  var result: Result<Value, any Error>?
}

/// One TCP connection over a `SlowLoopback`, with a sender that never stops until told to.
final class TestFlow: @unchecked Sendable {
  let sender: Int32
  private let receiver: Int32
  private let lock = NSLock()
  private var sentBytes = 0
  private var sending = false
  private var ended = false
  private let threads = DispatchGroup()

  /// - Parameter congestion: selected by `setsockopt(TCP_CONGESTION)` before connecting.
  init(_ loopback: SlowLoopback, congestion: String) throws {
    (sender, receiver) = try loopback.inside { try Self.connect(congestion: congestion) }
  }

  /// A connection whose accepting end, the sender, has its congestion control from the listener.
  ///
  /// - Parameter beforeConnecting: runs when the listener has selected `congestion` and no flow exists.
  init(
    _ loopback: SlowLoopback, listenerCongestion congestion: String,
    beforeConnecting: @escaping @Sendable () throws -> Void
  ) throws {
    (receiver, sender) = try loopback.inside {
      try Self.connect(congestion: nil, listener: congestion, beforeConnecting: beforeConnecting)
    }
  }

  deinit { end() }

  var sent: Int { lock.withLock { sentBytes } }

  /// The congestion control that the kernel says the sender has.
  var congestion: String {
    var name = [UInt8](repeating: 0, count: 16)
    var size = socklen_t(name.count)
    getsockopt(sender, Int32(IPPROTO_TCP), 13, &name, &size)
    return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Whether the sender's rate was ever set: the kernel begins with the largest number.
  var isPaced: Bool {
    // `tcp_info.tcpi_pacing_rate`, in bytes/s
    guard let rate = fact(at: 104, as: UInt64.self) else { return false }
    return rate > 0 && rate < UInt64.max
  }

  /// `tcp_info.tcpi_snd_ssthresh`, in packets; nil while slow start knows none.
  var slowStartThreshold: UInt32? {
    fact(at: 76, as: UInt32.self).flatMap { $0 >= 0x7fff_ffff ? nil : $0 }
  }

  /// The most that the sender sends, in bytes/s, whatever its congestion control says.
  func limit(to rate: UInt32) throws {
    var rate = rate
    guard setsockopt(sender, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, socklen_t(MemoryLayout<UInt32>.size)) == 0
    else { throw SlowLoopback.Failure(description: "SO_MAX_PACING_RATE refused: \(errno)") }
  }

  private func fact<Value: BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value? {
    var facts = [UInt8](repeating: 0, count: 232)
    var size = socklen_t(facts.count)
    guard getsockopt(sender, Int32(IPPROTO_TCP), 11, &facts, &size) == 0,
      Int(size) >= offset + MemoryLayout<Value>.size
    else { return nil }
    return facts.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }

  func startSending() {
    lock.withLock { sending = true }
    let group = threads
    for role in [true, false] {
      group.enter()
      Thread { [self] in
        if role { sendLoop() } else { receiveLoop() }
        group.leave()
      }.start()
    }
  }

  /// Stops sending, leaving the connection open and idle.
  func pause() {
    lock.withLock { sending = false }
  }

  /// Closes both ends; a second call does nothing, so that it never closes another's descriptor.
  func end() {
    let isFirst = lock.withLock {
      defer { ended = true }
      return !ended
    }
    guard isFirst else { return }
    pause()
    shutdown(sender, Int32(SHUT_RDWR))
    shutdown(receiver, Int32(SHUT_RDWR))
    threads.wait()
    close(sender)
    close(receiver)
  }

  private func sendLoop() {
    let chunk = [UInt8](repeating: 7, count: 64 << 10)
    while lock.withLock({ sending }) {
      let count = send(sender, chunk, chunk.count, 0x4000)
      if count <= 0 { return }
      lock.withLock { sentBytes += count }
    }
  }

  private func receiveLoop() {
    var chunk = [UInt8](repeating: 0, count: 256 << 10)
    while recv(receiver, &chunk, chunk.count, 0) > 0 {}
  }

  private static func select(_ congestion: String?, on descriptor: Int32) throws {
    guard let congestion else { return }
    guard setsockopt(descriptor, Int32(IPPROTO_TCP), 13, congestion, socklen_t(congestion.utf8.count)) == 0
    else { throw SlowLoopback.Failure(description: "TCP_CONGESTION \(congestion) refused: \(errno)") }
  }

  private static func connect(
    congestion: String?, listener listenerCongestion: String? = nil, beforeConnecting: () throws -> Void = {}
  ) throws -> (Int32, Int32) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    try select(listenerCongestion, on: listener)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr(SlowLoopback.address)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(listener, raw, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, raw, &size) == 0
      }
    }
    guard bound else { throw SlowLoopback.Failure(description: "no listener: \(errno)") }
    let sender = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    do {
      try beforeConnecting()
      try select(congestion, on: sender)
    } catch {
      close(sender)
      throw error
    }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(sender, $0, size) == 0 }
    }
    guard connected else { throw SlowLoopback.Failure(description: "no connection: \(errno)") }
    return (sender, accept(listener, nil, nil))
  }
}

/// Waits until `condition` holds, at most so long, asking again after so many microseconds.
func eventually(
  within seconds: Double = 10, every microseconds: UInt32 = 50_000, _ condition: () throws -> Bool
) rethrows -> Bool {
  let deadline = Date().addingTimeInterval(seconds)
  while Date() < deadline {
    if try condition() { return true }
    usleep(microseconds)
  }
  return try condition()
}
