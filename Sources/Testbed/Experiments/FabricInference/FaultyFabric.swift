import Foundation
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Synchronization
import TestbedLink
import TestbedMeasures
import TestbedReport

/// One fault's run: clients that ask, and what goes wrong meanwhile.
///
/// Threads share what is behind locks, and what never changes; the fabric itself is the caller's alone.
final class FaultyFabric: @unchecked Sendable {
  private static let leaves = 8
  private static let spines = 4
  private static let window = 4
  static let batch = 16
  private static let clientsOfEach = 2
  private static let killInterval = 1.0
  private static let killSeconds = 0.5
  private static let swapInterval = 0.5
  private static let seed: UInt64 = 77

  /// A network with the answers that each of its versions must give.
  struct Asked: Sendable {
    let name: String
    /// The second takes the first one's place where networks are replaced.
    let versions: [SnapshotFile]
    let inputs: [[Int64]]
    /// By version: where networks are replaced, the epoch's parity; a network that only moves stays the
    /// first.
    let expected: [[[Int64]]]

    init(name: String, versions: [SnapshotFile], inputs: [[Int64]]) {
      (self.name, self.versions, self.inputs) = (name, versions, inputs)
      expected = versions.map { version in
        let reference = ReferenceInterpreter(version.snapshot)
        return inputs.map { reference.run(features: $0) }
      }
    }

    /// A trained network, which is replaced by one of the same layers with drawn weights.
    init(_ trained: TrainedNetwork, layers: DrawnNetwork) throws {
      let name = trained.network.name
      let other = try layers.drawn(inputs: 0, version: 1, name: name).file
      self.init(name: name, versions: [trained.file, other], inputs: trained.inputs(FaultyFabric.batch))
    }

    /// - Parameter name: nil: the network's own.
    init(_ network: DrawnNetwork, name: String? = nil) throws {
      let drawn = try (0..<UInt64(2)).map {
        try network.drawn(inputs: FaultyFabric.batch, version: $0, name: name)
      }
      self.init(name: name ?? network.rawValue, versions: drawn.map(\.file), inputs: drawn[0].inputs)
    }
  }

  /// What clients tell.
  private struct Log: Sendable {
    var inferences = 0
    var wrong = 0
    var unanswered = 0
    var repeated = 0
    var microseconds: [Double] = []
    /// By network, when each answer's inference began and ended.
    var spans: [String: [(began: ContinuousClock.Instant, ended: ContinuousClock.Instant)]] = [:]
  }

  private let fault: FabricFaults.Fault
  private let fabric: StudyFabric
  private let networks: [Asked]
  private let isDone = Mutex(false)
  private let log = Mutex(Log())
  private let events = Mutex<[(at: ContinuousClock.Instant, model: String)]>([])

  /// - Parameter networks: two; the first is the one that is replaced.
  init(_ fault: FabricFaults.Fault, _ networks: [Asked]) throws {
    (self.fault, self.networks) = (fault, networks)
    fabric = try StudyFabric(
      networks[0].versions[0], leaves: Self.leaves, spines: Self.spines, slots: 8,
      clients: Self.clientsOfEach * networks.count)
    let folder = NSTemporaryDirectory() + "medulla-study-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try fabric.running.add(plan(networks[1].versions[0], at: folder))
  }

  private func plan(_ file: SnapshotFile, at folder: String) throws -> PlanFolder {
    try StudyFabric.plan(file, fabric.running.state.topology, slots: 8, at: folder)
  }

  func measure(seconds: Double) throws -> Reading {
    switch fault {
    case .loss1: fabric.running.lose(millionths: 10_000)
    case .loss5: fabric.running.lose(millionths: 50_000)
    case .none, .disorder, .kills, .swaps: break
    }
    var threads: [Thread] = []
    for network in networks {
      for number in 0..<Self.clientsOfEach {
        threads.append(Thread { self.ask(network, seed: Self.seed + UInt64(number)) })
      }
    }
    if fault == .kills { threads.append(Thread { self.watch() }) }
    for thread in threads { thread.start() }
    defer {
      isDone.withLock { $0 = true }
      for thread in threads { while !thread.isFinished { usleep(1_000) } }
    }
    var deaths: [ContinuousClock.Instant] = []
    var moves = 0
    switch fault {
    case .kills: deaths = killSome(seconds: seconds)
    case .swaps: moves = try swap(seconds: seconds)
    case .none, .loss1, .loss5, .disorder: Thread.sleep(forTimeInterval: seconds)
    }
    isDone.withLock { $0 = true }
    for thread in threads { while !thread.isFinished { usleep(1_000) } }
    if fault == .kills { moves = events.withLock { $0.count } }
    return reading(deaths: deaths, moves: moves)
  }

  /// One client, until the end.
  private func ask(_ network: Asked, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    do {
      let client = try FabricClient(fabric.names, model: network.name)
      if fault == .disorder {
        client.disturbance = { frames in
          frames = (frames + frames.filter { _ in random.unit() < 0.2 }).shuffled(using: &random)
        }
      }
      while !isDone.withLock({ $0 }) {
        do {
          keep(try client.infer(network.inputs, window: Self.window), of: network)
        } catch {
          log.withLock { $0.unanswered += 1 }
        }
      }
    } catch {
      log.withLock { $0.unanswered += 1 }
    }
  }

  private func keep(_ results: [FabricResult], of network: Asked) {
    log.withLock { log in
      for (number, result) in results.enumerated() {
        log.inferences += 1
        let version = fault == .swaps ? result.epoch % 2 : 0
        if result.outputs != network.expected[version][number] { log.wrong += 1 }
        if result.attempts > 1 { log.repeated += 1 }
        log.microseconds.append(result.time / .microseconds(1))
        if fault == .kills {
          log.spans[network.name, default: []].append((result.ended - result.time, result.ended))
        }
      }
    }
  }

  private func watch() {
    do {
      let watch = try FabricWatch(RunningFabric.open(fabric.names))
      try watch.run(until: { self.isDone.withLock { $0 } }) { event in
        self.events.withLock { $0.append((ContinuousClock.now, event.model)) }
        if !event.failure.isEmpty { self.log.withLock { $0.unanswered += 1 } }
      }
    } catch {
      log.withLock { $0.unanswered += 1 }
    }
  }

  /// Gives when switches died.
  private func killSome(seconds: Double) -> [ContinuousClock.Instant] {
    var random = SeededGenerator(seed: Self.seed)
    let victims = (2...Self.leaves).map { "leaf\($0)" } + (1...Self.spines).map { "spine\($0)" }
    var deaths: [ContinuousClock.Instant] = []
    // The watch begins by bringing all layers into its memory.
    Thread.sleep(forTimeInterval: Self.killInterval)
    for _ in 0..<max(Int(seconds / Self.killInterval), 1) {
      let victim = victims[Int(random.unit() * Double(victims.count))]
      deaths.append(ContinuousClock.now)
      fabric.running.setDown(victim, true)
      Thread.sleep(forTimeInterval: Self.killSeconds)
      fabric.running.setDown(victim, false)
      Thread.sleep(forTimeInterval: Self.killInterval - Self.killSeconds)
    }
    return deaths
  }

  /// Gives how often a network was replaced.
  private func swap(seconds: Double) throws -> Int {
    let folders = try networks[0].versions.map {
      try plan($0, at: NSTemporaryDirectory() + "medulla-study-\(UUID().uuidString)")
    }
    defer { for folder in folders { try? FileManager.default.removeItem(atPath: folder.path) } }
    let count = max(Int(seconds / Self.swapInterval), 1)
    for turn in 1...count {
      Thread.sleep(forTimeInterval: Self.swapInterval)
      try fabric.running.update(folders[turn % 2], drain: .zero)
    }
    return count
  }

  private func reading(deaths: [ContinuousClock.Instant], moves: Int) -> Reading {
    let log = log.withLock { $0 }
    var reading = Reading([
      FabricFaults.inferences: Double(log.inferences), FabricFaults.wrong: Double(log.wrong),
      FabricFaults.unanswered: Double(log.unanswered), FabricFaults.repeated: Double(log.repeated),
      FabricFaults.p50: Statistics.quantile(log.microseconds, 0.5),
      FabricFaults.p99: Statistics.quantile(log.microseconds, 0.99), FabricFaults.moves: Double(moves),
    ])
    let waits = waits(after: deaths, log)
    if !waits.isEmpty {
      reading[FabricFaults.failover] = Statistics.quantile(waits, 0.5)
      reading[FabricFaults.failoverMost] = Statistics.quantile(waits, 0.99)
    }
    return reading
  }

  /// Milliseconds from a death until the first answer whose inference began after it, of networks that moved
  /// before the next one.
  private func waits(after deaths: [ContinuousClock.Instant], _ log: Log) -> [Double] {
    let events = events.withLock { $0 }
    return deaths.enumerated().flatMap { number, death -> [Double] in
      let end = number + 1 < deaths.count ? deaths[number + 1] : death + .seconds(Self.killInterval)
      let moved = Set(events.filter { $0.at > death && $0.at < end }.map(\.model))
      return moved.compactMap { model in
        log.spans[model]?.filter { $0.began >= death }.map(\.ended).min().map {
          ($0 - death) / .milliseconds(1)
        }
      }
    }
  }
}
