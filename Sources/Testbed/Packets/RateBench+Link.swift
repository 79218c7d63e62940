import CHost
import Foundation
import MedullaBase
import MedullaDatapath
import MedullaKernel
import TestbedLink
import TestbedMeasures

/// Who sends frames over a pair of devices, and who receives them.
package enum RateArrangement: String, CaseIterable, Sendable {
  /// One processor does both: it sends a batch, and receives it before the next.
  case oneCore
  /// One processor sends, and another receives.
  case ownCore
  /// Two processors do both, each a flow, and a queue, of its own.
  case twoCores

  package static let processors = 2

  var senders: [Int] { self == .twoCores ? [0, 1] : [0] }
  var isThreaded: Bool { self == .ownCore }
  static let receiver = 1
}

/// What a link carried.
package struct LinkRate: Sendable {
  /// Packets a second that the receiving function saw.
  package let received: Double
  package let sent: Double
  /// Nanoseconds of a processor for each packet received; nil where it also sends them.
  package let receiverNanoseconds: Double?
  /// Inferences for each packet received.
  package let inferences: Double
}

extension RateBench {
  /// Frames between two looks at the clock.
  private static let portion = 1 << 13
  private static let settlingLooks = 100
  /// Before a slice: flows that take turns are there then, or the table is full.
  private static let filling = 1 << 16

  /// Rates of all cases: slices of each in turn, and of each the median.
  package func rates(
    _ arrangement: RateArrangement, _ effort: RateEffort
  ) throws -> [RateCase: LinkRate] {
    try receive(threaded: arrangement.isThreaded)
    var slices: [RateCase: [LinkRate]] = [:]
    for number in 0..<effort.slices {
      // The other way round each second time.
      for each in number % 2 == 0 ? RateCase.overLink : RateCase.overLink.reversed() {
        try Interruption.check()
        let slice = try slice(each, arrangement, effort.sliceSeconds)
        slices[each, default: []].append(slice)
      }
    }
    func middle(_ slices: [LinkRate], _ value: (LinkRate) -> Double) -> Double {
      Statistics.quantile(slices.map(value), 0.5)
    }
    return slices.mapValues { slices in
      LinkRate(
        received: middle(slices, \.received), sent: middle(slices, \.sent),
        receiverNanoseconds: arrangement.isThreaded ? middle(slices) { $0.receiverNanoseconds ?? 0 } : nil,
        inferences: middle(slices, \.inferences))
    }
  }

  private func slice(
    _ measured: RateCase, _ arrangement: RateArrangement, _ seconds: Double
  ) throws -> LinkRate {
    let role = Role(measured)
    let receivers = arrangement.isThreaded ? try receivingThreads(of: role) : []
    for thread in receivers {
      try check(medulla_keep_on_processor(thread, Int32(RateArrangement.receiver)), "keep a receiver")
      RealTimeThread.raise(thread)
    }
    let device = try namespace.inside { try Hook.interfaceIndex(of: Self.sender(role)) }
    for processor in arrangement.senders {
      try setCourse(on: processor, mask: measured.mask, first: Int64(processor) << 20, device: device)
    }
    _ = try send(arrangement.senders, from: device, .count(Self.filling))
    try settle(role)
    let before = try (received(role), inferences(role, .xdp), processorTime(receivers))
    let sent = try send(arrangement.senders, from: device, .seconds(seconds))
    try settle(role)
    let after = try (received(role), inferences(role, .xdp), processorTime(receivers))
    let count = Double(after.0 - before.0)
    guard count > 0 else {
      throw TestbedError(
        .linkFailed, "No packet of \(sent.frames) arrived at \(Self.receiver(role)).",
        remedy: "Run the command again; `ethtool -S` of a veth says where packets stay.")
    }
    return LinkRate(
      received: sent.rate * min(count / Double(sent.frames), 1), sent: sent.rate,
      receiverNanoseconds: receivers.isEmpty ? nil : Double(after.2 - before.2) / count,
      inferences: Double(after.1 - before.1) / count)
  }

  private enum Extent: Sendable {
    case count(Int)
    case seconds(Double)
  }

  /// Sends from several processors at once.
  ///
  /// - Returns: all frames, and the sum of the processors' rates.
  private func send(
    _ processors: [Int], from device: UInt32, _ extent: Extent
  ) throws -> (frames: Int, rate: Double) {
    let program = try object.loadedProgram("rate_send")
    let namespace = namespace
    let results = Results(count: processors.count)
    let start = DispatchSemaphore(value: 0)
    let done = DispatchSemaphore(value: 0)
    for (index, processor) in processors.enumerated() {
      let thread = Thread {
        start.wait()
        let result = Result {
          try namespace.inside {
            try check(medulla_keep_on_processor(0, Int32(processor)), "keep a sender")
            RealTimeThread.raise(0)
            return try Self.send(program, from: device, extent)
          }
        }
        results.set(result, at: index)
        done.signal()
      }
      thread.start()
    }
    for _ in processors { start.signal() }
    for _ in processors { done.wait() }
    let sent = try results.all()
    return (sent.reduce(0) { $0 + $1.frames }, sent.reduce(0) { $0 + $1.rate })
  }

  private static func send(
    _ program: BPFProgram, from device: UInt32, _ extent: Extent
  ) throws -> (frames: Int, rate: Double) {
    let begin = MonotonicClock.nanoseconds
    func elapsed() -> Double { Double(MonotonicClock.nanoseconds - begin) / 1e9 }
    var frames = 0
    func isEnough() -> Bool {
      switch extent {
      case .count(let count): frames >= count
      case .seconds(let seconds): elapsed() >= seconds
      }
    }
    while !isEnough() {
      try program.send(RateFrame.bytes, count: portion, from: device)
      frames += portion
    }
    return (frames, Double(frames) / elapsed())
  }

  /// What the receiving device has taken in.
  private func received(_ role: Role) throws -> UInt64 {
    try namespace.received(by: Self.receiver(role))
  }

  /// Waits, at most so many looks, until a receiver has taken in what its queue holds.
  private func settle(_ role: Role) throws {
    var last = try received(role)
    for _ in 0..<Self.settlingLooks {
      usleep(2_000)
      let now = try received(role)
      if now == last { return }
      last = now
    }
  }

  /// Whether each receiving queue has a thread of the kernel's own, which can be kept on a processor.
  private func receive(threaded: Bool) throws {
    let files = Role.allCases.map { "/sys/class/net/\(Self.receiver($0))/threaded" }
    let commands = files.map { "echo \(threaded ? 1 : 0) > \($0)" }.joined(separator: " && ")
    try ChildProcess.run(["ip", "netns", "exec", namespace.name, "sh", "-c", commands])
  }

  private func receivingThreads(of role: Role) throws -> [pid_t] {
    let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
    let own = processes.filter { process in
      let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
      return name?.hasPrefix("napi/\(Self.receiver(role))-") ?? false
    }
    guard !own.isEmpty else {
      throw TestbedError(
        .linkFailed, "No thread receives at \(Self.receiver(role)).",
        remedy: "Use a kernel with threaded NAPI (5.12 or later).")
    }
    return own
  }

  /// Nanoseconds that threads have run.
  private func processorTime(_ threads: [pid_t]) throws -> UInt64 {
    try threads.reduce(0) { sum, thread in
      let text = try String(contentsOfFile: "/proc/\(thread)/schedstat", encoding: .utf8)
      return sum + (text.split(separator: " ").first.flatMap { UInt64($0) } ?? 0)
    }
  }
}

private func check(_ status: Int32, _ what: String) throws {
  guard status == 0 else {
    throw TestbedError(
      .linkFailed, "The testbed cannot \(what) on its processor: \(String(cString: strerror(-status))).",
      remedy: "Give it the processors 0 and 1.")
  }
}

/// One result of each sender, who writes its own and nothing else; read when all are done.
private final class Results: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Result<(frames: Int, rate: Double), any Error>?]

  init(count: Int) { values = Array(repeating: nil, count: count) }

  func set(_ value: Result<(frames: Int, rate: Double), any Error>, at index: Int) {
    lock.withLock { values[index] = value }
  }

  func all() throws -> [(frames: Int, rate: Double)] {
    try lock.withLock { try values.compactMap { try $0?.get() } }
  }
}
