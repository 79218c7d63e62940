import Foundation
import MedullaBase
import MedullaKernel
import MedullaNF
import TestbedLink
import TestbedMeasures
import TestbedPackets

/// Who takes frames from a device.
package enum Forwarder: Hashable, Sendable {
  /// An XDP program in the kernel, and no function.
  case kernel
  /// So many functions, one after another, each an unprivileged process. The first has receive rings of its
  /// own, or gets its frames from the host.
  case functions(Int, ownRings: Bool)
  /// DPDK's own forwarder over the same devices.
  case testPMD
}

/// What forwarding comes to.
package struct ForwardRate: Sendable {
  /// Frames a second that the generator sent, and that came through.
  package var sent: Double
  package var received: Double
  /// Nanoseconds from a frame's reception to its return by the last function, at a low pace; nil: no
  /// function tells it.
  package var latency: ChainReport.Percentiles?
}

/// How much is measured for one figure.
package struct ForwardEffort: Sendable {
  package var sliceSeconds: Double
  package var slices: Int
  package var paceSeconds: Double
  package static let paceMicroseconds = 50

  package init(sliceSeconds: Double, slices: Int, paceSeconds: Double) {
    (self.sliceSeconds, self.slices, self.paceSeconds) = (sliceSeconds, slices, paceSeconds)
  }
}

/// Two pairs of devices in a namespace: frames go in at one, and where they are sent on they come out of the
/// other, where they are dropped and counted. Everything is removed by `remove`.
package final class ForwardBench {
  static let input = "nf-rx"
  static let output = "nf-tx"
  private static let source = "nf-gen"
  private static let sink = "nf-sink"
  /// The processor of host and functions; the generator has the other.
  static let processor = 1
  static let port = 7_000
  /// The program that testpmd is installed as.
  package static let testPMD = "dpdk-testpmd"
  /// Nobody, who may attach as a function.
  static let user: UInt32 = 65_534
  private static let settling: useconds_t = 50_000

  let namespace: NetworkNamespace
  private let generator: FrameGenerator
  private let atSink: BPFLink
  private let object: [UInt8]
  private let executable: String

  /// - Parameter executable: the program that serves as functions (`network-function`).
  package init(executable: String) throws {
    // The programs that start it have another one of their own.
    self.executable =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: executable)) ?? executable
    let namespace = try NetworkNamespace(role: "forward")
    self.namespace = namespace
    do {
      object = try DemultiplexerObject.compile()
      try namespace.set(["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"])
      for (one, other) in [(Self.source, Self.input), (Self.output, Self.sink)] {
        try namespace.configure(["link", "add", one, "type", "veth", "peer", "name", other])
        for device in [one, other] { try namespace.configure(["link", "set", device, "up"]) }
      }
      generator = try FrameGenerator(in: namespace, from: Self.source)
      atSink = try generator.drop(at: Self.sink)
    } catch {
      namespace.remove()
      throw error
    }
  }

  deinit { remove() }

  package func remove() { namespace.remove() }

  /// A frame of so many bytes, link header included: UDP to the rule's port.
  package static func frame(bytes: Int) -> [UInt8] {
    var frame = [UInt8](repeating: 0xab, count: max(bytes, 60))
    frame.replaceSubrange(0..<12, with: [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1])
    frame.replaceSubrange(12..<24, with: [8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17])
    frame.replaceSubrange(24..<34, with: [0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
    func store(_ value: Int, at place: Int) {
      (frame[place], frame[place + 1]) = (UInt8(value >> 8 & 255), UInt8(value & 255))
    }
    store(frame.count - 14, at: 16)
    store(4_660, at: 34)
    store(port, at: 36)
    store(frame.count - 34, at: 38)
    store(0, at: 40)
    return frame
  }

  /// - Parameters:
  ///   - isSent: whether frames go out of the other device, or are released where they end.
  ///   - pages: of packet memory.
  package func rate(
    _ forwarder: Forwarder, bytes: Int, isSent: Bool, pages: MemorySettings.Pages = .prefer,
    _ effort: ForwardEffort
  ) throws -> ForwardRate {
    let frame = Self.frame(bytes: bytes)
    switch forwarder {
    case .kernel:
      let link =
        try isSent
        ? generator.forward(at: Self.input, to: Self.output) : generator.drop(at: Self.input)
      defer { try? link.detach() }
      let device = isSent ? Self.sink : Self.input
      return try slices(effort, frame) { try self.namespace.received(by: device) }
    case .functions(let count, let ownRings):
      let chain = try ForwardChain(
        on: namespace, object: object, functions: count, ownRings: ownRings, isSent: isSent, pages: pages,
        executable: executable)
      defer { chain.stop() }
      _ = try generator.pace(frame, every: ForwardEffort.paceMicroseconds, seconds: effort.paceSeconds)
      usleep(Self.settling)
      let latency = chain.last?.latency
      let sink = try namespace.received(by: Self.sink)
      let before = chain.last?.returned ?? 0
      var rate = try slices(effort, frame) {
        isSent ? try self.namespace.received(by: Self.sink) - sink : (chain.last?.returned ?? 0) - before
      }
      rate.latency = latency
      return rate
    case .testPMD:
      return try testPMD(frame, isSent, effort)
    }
  }

  /// - Parameter count: frames that came through since the bench began to count.
  private func slices(
    _ effort: ForwardEffort, _ frame: [UInt8], _ count: () throws -> UInt64
  ) throws -> ForwardRate {
    var rates: [ForwardRate] = []
    for _ in 0..<effort.slices {
      let before = try count()
      let sent = try generator.flood(frame, seconds: effort.sliceSeconds)
      usleep(Self.settling)
      let share = min(Double(try count() - before) / Double(sent.frames), 1)
      rates.append(ForwardRate(sent: sent.rate, received: sent.rate * share))
    }
    func middle(_ value: (ForwardRate) -> Double) -> Double { Statistics.quantile(rates.map(value), 0.5) }
    return ForwardRate(sent: middle(\.sent), received: middle(\.received))
  }

  private func testPMD(_ frame: [UInt8], _ isSent: Bool, _ effort: ForwardEffort) throws -> ForwardRate {
    let forwarder = try TestPMD(on: self, isSent: isSent)
    var sent = 0
    var rates: [Double] = []
    for _ in 0..<effort.slices {
      let slice = try generator.flood(frame, seconds: effort.sliceSeconds)
      sent += slice.frames
      rates.append(slice.rate)
    }
    usleep(Self.settling)
    let through = try forwarder.finish()
    let rate = Statistics.quantile(rates, 0.5)
    return ForwardRate(sent: rate, received: rate * min(Double(through) / Double(max(sent, 1)), 1))
  }
}
