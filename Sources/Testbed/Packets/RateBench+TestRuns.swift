import Foundation
import MedullaBase
import MedullaKernel
import TestbedLink
import TestbedMeasures

extension RateBench {
  /// Packets before the first that counts, so that flows that take turns are all there, or the table is full.
  private static let filling: [RateCase: Int] = [.many: 16_384, .full: 40_000]
  /// New flows of all readings and cold runs together must fit the table.
  private static let newFlows = 12_000
  private static let warmUp = 100

  /// How long packets take by test run at a hook, all cases in turn.
  package func times(
    at hook: RateHook, _ effort: RateEffort, eviction: CacheEviction
  ) throws -> [RateCase: PacketTime] {
    nonisolated(unsafe) let bench = self
    return try OneProcessor.run {
      let turn = RealTimeThread()
      defer { turn.end() }
      return try bench.measured(hook, effort, eviction)
    }
  }

  private func measured(
    _ hook: RateHook, _ effort: RateEffort, _ eviction: CacheEviction
  ) throws -> [RateCase: PacketTime] {
    var (warm, cold): ([RateCase: [Double]], [RateCase: [Double]]) = ([:], [:])
    for each in RateCase.allCases {
      let program = try ready(each, hook)
      try program.time(on: RateFrame.bytes, repeats: Self.filling[each] ?? Self.warmUp)
    }
    for _ in 0..<effort.readings {
      try Interruption.check()
      for each in RateCase.allCases {
        let repeats =
          each == .new ? min(effort.repeats, Self.newFlows / max(effort.readings, 1)) : effort.repeats
        let run = try ready(each, hook).time(on: RateFrame.bytes, repeats: repeats)
        warm[each, default: []].append(Double(run.nanoseconds))
      }
    }
    for _ in 0..<effort.coldRuns {
      try Interruption.check()
      for each in RateCase.allCases {
        let program = try ready(each, hook)
        eviction.evict()
        cold[each, default: []].append(Double(try program.time(on: RateFrame.bytes).nanoseconds))
      }
    }
    return Dictionary(
      uniqueKeysWithValues: RateCase.allCases.map {
        ($0, PacketTime(warm: warm[$0] ?? [0], cold: cold[$0] ?? [0]))
      })
  }

  /// The program to run for a case; where flows take turns, one that goes on to the function.
  private func ready(_ measured: RateCase, _ hook: RateHook) throws -> BPFProgram {
    let entry = try entry(Role(measured), hook)
    guard measured.mask != 0 else { return entry }
    try object.loadedMap("rate_at_\(hook.rawValue)").set(entry, at: 0)
    for processor in 0..<processors { try setCourse(on: processor, mask: measured.mask) }
    return try object.loadedProgram("rate_turn_\(hook.rawValue)")
  }
}
