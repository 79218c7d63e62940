import Foundation
import MedullaBase
import MedullaCompile
import MedullaDatapath
import MedullaKernel
import MedullaSnapshot
import TestbedBaselines
import TestbedLink
import TestbedMeasures
import TestbedPackets

/// The course of `packet-rate`: rounds, each with a bench of its own, in which all places are measured.
struct PacketRateCourse {
  private typealias Own = PacketRate

  private let plan: StudyPlan
  private let effort: RateEffort
  private let context: StudyContext

  init(_ plan: StudyPlan, _ context: StudyContext) {
    (self.plan, self.context) = (plan, context)
    effort = RateEffort(
      readings: plan[Own.readings], repeats: plan[Own.packets], coldRuns: plan[Own.coldRuns],
      sliceSeconds: plan[Own.sliceMs] / 1_000, slices: plan[Own.slices])
  }

  /// What is made once, as far as the plan's places need it.
  private struct Means {
    let snapshot: DatapathSnapshot
    let eviction: CacheEviction?
    let native: NativeDecision?
    let latency: LatencyComparison?
  }

  private func means(for places: [Own.Place]) throws -> Means {
    guard geteuid() == 0 else {
      throw TestbedError(
        .missingPrivilege, "Classifiers and namespaces need root.", remedy: "Run the command with sudo.")
    }
    let file = try RateNetwork.file()
    let isTimed = places.contains { [.xdp, .tc, .native].contains($0) }
    return Means(
      snapshot: try DatapathSnapshot(compiling: file, name: "rate"),
      eviction: isTimed ? try CacheEviction() : nil,
      native: places.contains(.native) ? try NativeDecision(file) : nil,
      latency: places.contains(.netlink) ? try LatencyComparison(count: plan[Own.questions]) : nil)
  }

  func run(_ tell: ([StudyRun]) throws -> Void) throws {
    let places = plan[Own.places].compactMap(Own.Place.init)
    let means = try means(for: places)
    var runs: [StudyRun] = []
    for round in 0..<plan.repeats {
      try Interruption.check()
      var generator = SeededGenerator(seed: plan.seed(round: round))
      let bench = try RateBench(means.snapshot, hooks: Self.hooks(of: places))
      defer { bench.remove() }
      for place in places.shuffled(using: &generator) {
        context.narrate("round \(round + 1), \(place.title)")
        let readings = try measure(place, bench, means)
        for name in place.cases {
          let cell = StudyCell().with(Own.places, place.rawValue).with(Own.cases, name)
          runs.append(StudyRun(cell, round: round, readings[name] ?? Reading()))
          try tell(runs)
        }
      }
    }
  }

  private static func hooks(of places: [Own.Place]) -> [RateHook] {
    let needsXDP = places.contains { [.xdp, .oneCore, .ownCore, .twoCores].contains($0) }
    return (needsXDP ? [.xdp] : []) + (places.contains(.tc) ? [.tc] : [])
  }

  /// By the case's name.
  private func measure(_ place: Own.Place, _ bench: RateBench, _ means: Means) throws -> [String: Reading] {
    switch place {
    case .xdp: return try testRuns(.xdp, bench, means)
    case .tc: return try testRuns(.tc, bench, means)
    case .native:
      guard let eviction = means.eviction, let native = means.native else { return [:] }
      return Self.readings(try native.times(effort, emptying: eviction.bytes))
    case .oneCore: return try rates(.oneCore, bench)
    case .ownCore: return try rates(.ownCore, bench)
    case .twoCores: return try rates(.twoCores, bench)
    case .netlink: return try means.latency.map(latencies) ?? [:]
    }
  }

  private func testRuns(_ hook: RateHook, _ bench: RateBench, _ means: Means) throws -> [String: Reading] {
    guard let eviction = means.eviction else { return [:] }
    return Self.readings(try bench.times(at: hook, effort, eviction: eviction))
  }

  private static func readings(_ times: [RateCase: PacketTime]) -> [String: Reading] {
    Dictionary(
      uniqueKeysWithValues: times.map { each, time in
        (each.rawValue, Reading([Own.warm: time.warm, Own.cold: time.cold]))
      })
  }

  private func rates(_ arrangement: RateArrangement, _ bench: RateBench) throws -> [String: Reading] {
    guard arrangement == .oneCore || bench.processors >= RateArrangement.processors else {
      var reading = Reading()
      reading.unmeasured = ["it needs two processors"]
      return Dictionary(uniqueKeysWithValues: RateCase.overLink.map { ($0.rawValue, reading) })
    }
    let rates = try bench.rates(arrangement, effort)
    return Dictionary(
      uniqueKeysWithValues: rates.map { each, rate in
        let reading = Reading([
          Own.received: rate.received / 1e6, Own.sent: rate.sent / 1e6,
          Own.receiver: rate.receiverNanoseconds,
          Own.inferences: each == .every ? rate.inferences : nil,
        ])
        return (each.rawValue, reading)
      })
  }

  private func latencies(_ comparison: LatencyComparison) throws -> [String: Reading] {
    func median(_ cell: LatencyCell) throws -> Double { try comparison.measure(cell).quantile(0.5) }
    let own = try median(LatencyCell(.kernel))
    let ways = try LatencyCell.all.filter { $0.way == .netlink }.map(median)
    return [
      Own.inKernel: Reading([Own.median: own]),
      Own.emptyRun: Reading([Own.median: try median(LatencyCell(.emptyProgram))]),
      Own.overNetlink: Reading([Own.median: ways.min()]),
    ]
  }
}
