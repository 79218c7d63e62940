import CWire
import DatapathCases
import Foundation
import Glibc
import MedullaNF
import Testing

/// A chain on one end of a wire in a namespace of its own, with a second wire to send frames out by.
final class ChainCase: Sendable {
  static let output = "med-out"
  static let sink = "med-sink"
  private static let object = Result { try DemultiplexerObject.compile() }

  let pair: VethPair
  let path: String
  private let current = Box<ChainHost?>(nil)

  /// A chain of functions over UDP: those that `functions` makes, and a rule for each entry by its port, from
  /// 7000 on.
  static func settings(
    _ functions: [ChainFunction], entries: [String], _ change: (inout ChainSettings) -> Void = { _ in }
  ) -> ChainSettings {
    var settings = ChainSettings(name: "case", interface: VethPair.receiver)
    settings.functions = functions
    settings.rules = entries.enumerated().map { index, name in
      var rule = DemultiplexerRule(function: name)
      rule.ipProtocol = 17
      rule.destinationPorts = 7_000 + index...7_000 + index
      return rule
    }
    change(&settings)
    return settings
  }

  /// - Parameter before: what there must be before the chain, such as a function in the kernel.
  init(
    _ settings: ChainSettings, mtu: Int? = nil,
    before: (VethPair, inout ChainSettings) throws -> Void = { _, _ in }
  ) throws {
    pair = try VethPair()
    path = "/tmp/medulla-nf-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    try SlowLoopback.run([
      "ip", "-n", pair.name, "link", "add", Self.output, "type", "veth", "peer", "name", Self.sink,
    ])
    for device in [Self.output, Self.sink] {
      _ = try pair.output(["sysctl", "-qw", "net.ipv6.conf.\(device).disable_ipv6=1"])
      try SlowLoopback.run(["ip", "-n", pair.name, "link", "set", device, "up"])
    }
    for device in [VethPair.sender, VethPair.receiver] {
      guard let mtu else { break }
      try SlowLoopback.run(["ip", "-n", pair.name, "link", "set", device, "mtu", "\(mtu)"])
    }
    var settings = settings
    try before(pair, &settings)
    try start(settings)
  }

  deinit { stop() }

  func start(_ settings: ChainSettings) throws {
    let (object, path, current) = (try Self.object.get(), path, current)
    try pair.inside {
      let host = try ChainHost(settings, object: object, path: path)
      host.start()
      current.value = host
    }
  }

  /// - Returns: the last report.
  @discardableResult
  func stop() -> ChainReport? {
    guard let host = current.value else { return nil }
    host.stop()
    current.value = nil
    return host.report()
  }

  var report: ChainReport? { current.value?.report() }

  func function(_ name: String) -> ChainReport.Function? { report?.functions.first { $0.name == name } }

  func isPresent(_ names: [String]) -> Bool {
    eventually(every: 2_000) { names.allSatisfy { function($0)?.state == .present } }
  }

  /// - Returns: how many frames the interface took.
  func send(_ frames: [TestFrame], on processor: Int = 0) throws -> Int {
    let bytes = frames.map(\.bytes)
    return try pair.send(frames.count, on: processor, tries: 20_000) { bytes[$0] }
  }

  /// The report once so many frames were seen and every one is free or the kernel's to fill, but for those
  /// that functions keep; nil: that does not come about.
  func settled(sent: Int, keeping kept: Int = 0, within seconds: Double = 10) -> ChainReport? {
    var found: ChainReport?
    _ = eventually(within: seconds, every: 2_000) {
      found = report.flatMap { $0.isAtRest(sent: sent, keeping: kept) ? $0 : nil }
      return found != nil
    }
    return found
  }

  /// What comes out of the second wire, by frame.
  func listen() throws -> FrameSink { try FrameSink(pair, device: Self.sink) }
}

extension ChainReport {
  /// All frames that the demultiplexer saw.
  var seen: UInt64 { delivered + unmatched + malformed + notTaken + unstamped }

  func isAtRest(sent: Int, keeping kept: Int) -> Bool {
    // What the kernel has delivered is its own in the ledger, until it comes back.
    let handed = frames.total - frames.free - frames.inKernel - frames.inSending
    return seen == sent && functions.reduce(0) { $0 + $1.held } == kept && frames.inSending == 0
      && (0...kept).contains(handed)
      && functions.allSatisfy { $0.state == .present || $0.state == .absent }
  }

  subscript(name: String) -> Function? { functions.first { $0.name == name } }
}

/// A value that threads share.
final class Box<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var stored: Value

  init(_ value: Value) { stored = value }

  var value: Value {
    get { lock.withLock { stored } }
    set { lock.withLock { stored = newValue } }
  }

  func change<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    try lock.withLock { try body(&stored) }
  }
}

/// Gathers all frames that come in at a device.
final class FrameSink: @unchecked Sendable {
  private let descriptor: Int32
  private let frames = Box<[[UInt8]: Int]>([:])
  private let isEnded = Box(false)
  private let done = DispatchSemaphore(value: 0)

  init(_ pair: VethPair, device: String) throws {
    descriptor = try pair.inside { wire_open(device, 1) }
    try #require(descriptor >= 0)
    var bytes: Int32 = 64 << 20
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, socklen_t(MemoryLayout<Int32>.size))
    Thread { [self] in
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while !isEnded.value {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { continue }
        frames.change { $0[Array(buffer.prefix(count)), default: 0] += 1 }
      }
      done.signal()
    }.start()
  }

  var count: Int { frames.change { $0.values.reduce(0, +) } }

  /// How often each came, once so many have; the gathering ends.
  func all(_ expected: Int) -> [[UInt8]: Int] {
    _ = eventually { count >= expected }
    isEnded.value = true
    done.wait()
    close(descriptor)
    return frames.value
  }
}
