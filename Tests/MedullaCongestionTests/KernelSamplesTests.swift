import DatapathCases
import Foundation
import MedullaBase
import MedullaKernel
import MedullaSnapshot
import Testing

@testable import MedullaCompile
@testable import MedullaCongestion
@testable import MedullaDatapath

@Suite(
  "samples and candidates of the congestion control", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelSamplesTests {
  /// Attaches under a name of its own, and detaches whatever happens.
  private func attached(
    _ letter: String, seed: UInt64 = 1, settings: InstanceSettings = .init(),
    _ body: (InstanceName) throws -> Void
  ) throws {
    let name = try InstanceName(KernelTestHost.name(letter))
    try Instance(name.text).attach(
      CongestionControl(), KernelTestHost.policy(seed: seed).snapshot, settings: settings)
    defer { try? Instance(name.text).detach() }
    try body(name)
  }

  /// Inputs of the network's size, inside and outside of what it was calibrated for.
  static let rows: [[Int64]] = (0..<50).map { row in
    (0..<30).map { (column: Int) -> Int64 in
      let value = (column * 37 + row * 11) % 97 - 40
      return Int64(value) << 13
    }
  }

  /// Drains until so many samples have come.
  private func collect(_ samples: FunctionSamples, count: Int) throws -> [FunctionSample] {
    var all: [FunctionSample] = []
    _ = try eventually(within: 60, every: 20_000) {
      all += try samples.drain()
      return all.count >= count
    }
    return all
  }

  @Test("each sample is what the reference interpreter answers, of one flow, with what followed")
  func match() throws {
    let loopback = try SlowLoopback()
    try attached("sa", settings: InstanceSettings(sampleEvery: 1)) { name in
      let reference = ReferenceInterpreter(try KernelTestHost.policy(seed: 1).file.snapshot)
      let samples = try Instance(name.text).samples()
      let flows = try (0..<2).map { _ in try TestFlow(loopback, congestion: name.congestion) }
      defer { flows.forEach { $0.end() } }
      flows.forEach { $0.startSending() }
      var all: [FunctionSample] = []
      // Forty may all come of the flow that began first.
      _ = try eventually(within: 60, every: 20_000) {
        all += try samples.drain()
        return all.count >= 40 && Set(all.map(\.flow)).subtracting([0]).count == 2
      }
      #expect(all.count >= 40)
      #expect(Set(all.map(\.id)).count == all.count && !all.contains { $0.id == 0 })
      for sample in all {
        #expect(reference.run(features: sample.features) == sample.outputs)
        #expect(sample.version == 1)
        #expect(sample.shadowOutputs == nil)
        let outcome = try #require(CongestionOutcome(sample.outcomes))
        #expect(outcome.acknowledged > 0 && outcome.intervalMicroseconds > 0)
        #expect(outcome.roundTripMicroseconds >= outcome.minimumRoundTripMicroseconds)
        #expect(outcome.rate > 0 && outcome.deliveryRate > 0)
      }
      #expect(Set(all.map(\.flow)).subtracting([0]).count == 2)
      #expect(all.map(\.nanoseconds) == all.map(\.nanoseconds).sorted())
      let status = try Instance(name.text).status()
      #expect(status.samples >= UInt64(all.count) && status.samplesDropped == 0)
      #expect(status.sampling == 1)
    }
  }

  @Test("a full ring drops samples and counts them, while the flow goes on")
  func full() throws {
    let loopback = try SlowLoopback()
    let small = InstanceSettings(sampleEvery: 1, sampleBytes: 64 << 10)
    try attached("sb", settings: small) { name in
      let flow = try TestFlow(loopback, congestion: name.congestion)
      defer { flow.end() }
      flow.startSending()
      #expect(
        try eventually(within: 60) { try Instance(name.text).status().samplesDropped > 20 })
      let sent = flow.sent
      #expect(eventually { flow.sent > sent + 500_000 })
      let samples = try Instance(name.text).samples()
      let held = try samples.drain()
      #expect(held.count > 50 && held.count < (64 << 10) / SampleRecord.leastBytes)
      #expect(try samples.dropped() > 20)
      // What is drained makes room again.
      #expect(try collect(samples, count: 10).count >= 10)
    }
  }

  @Test("samples are read by one reader at a time, and a dead one makes room")
  func oneReader() throws {
    try attached("sc") { name in
      var reader: FunctionSamples? = try Instance(name.text).samples()
      let error = #expect(throws: DatapathError.self) { try Instance(name.text).samples() }
      #expect(error?.code == .busy)
      #expect(try reader?.drain() == [])
      reader = nil
      #expect(try Instance(name.text).samples().drain() == [])
    }
    #expect(throws: DatapathError.self) { try Instance(KernelTestHost.name("sc")).samples() }
  }

  @Test("a reader follows program sets that replace each other, and an instance that is attached anew")
  func followed() throws {
    let loopback = try SlowLoopback()
    let settings = InstanceSettings(sampleEvery: 1)
    try attached("sd", settings: settings) { name in
      let samples = try Instance(name.text).samples()
      let first = try TestFlow(loopback, congestion: name.congestion)
      first.startSending()
      let early = try collect(samples, count: 5)
      let number = try #require(early.first?.flow)
      #expect(number > 0 && early.allSatisfy { $0.version == 1 && $0.flow == number })
      first.end()
      try Instance(name.text).update(KernelTestHost.policy(seed: 3, hidden: 20).snapshot)
      _ = try samples.drain()
      let second = try TestFlow(loopback, congestion: name.congestion)
      second.startSending()
      let later = try collect(samples, count: 5)
      let next = try #require(later.first?.flow)
      #expect(next > 0 && next != number)
      #expect(later.count >= 5 && later.allSatisfy { $0.version == 2 && $0.flow == next })
      second.end()
      try Instance(name.text).detach()
      #expect(throws: DatapathError.self) { try samples.drain() }
      try Instance(name.text).attach(
        CongestionControl(), KernelTestHost.policy(seed: 1).snapshot, settings: settings)
      let third = try TestFlow(loopback, congestion: name.congestion)
      defer { third.end() }
      third.startSending()
      #expect(try collect(samples, count: 5).count >= 5)
    }
  }

  @Test("every n-th decision is a sample, and none when sampling is off")
  func ratio() throws {
    let loopback = try SlowLoopback()
    try attached("se") { name in
      let samples = try Instance(name.text).samples()
      let flow = try TestFlow(loopback, congestion: name.congestion)
      defer { flow.end() }
      flow.startSending()
      func inferences() throws -> UInt64 {
        try Instance(name.text).status().slots.map(\.inferences).reduce(0, +)
      }
      #expect(try eventually(within: 30) { try inferences() > 20 })
      #expect(try samples.drain() == [])
      try Instance(name.text).setSampling(every: 8)
      let begin = try inferences()
      let count = try collect(samples, count: 20).count
      let decided = try inferences() - begin
      // Each sample stands for 8 decisions; one waits, and intervals of a pause give none.
      #expect(decided >= UInt64(8 * (count - 2)), "\(count) samples of \(decided) decisions")
      #expect(throws: DatapathError.self) { try Instance(name.text).setSampling(every: -1) }
    }
  }

  @Test(
    "the live query answers as the reference interpreter for what is active, and says when programs change")
  func query() throws {
    try attached("sf") { name in
      let inputs = Self.rows
      func expected(_ seed: UInt64, hidden: Int = 16) throws -> [[Int64]] {
        let file = try KernelTestHost.policy(seed: seed, hidden: hidden).file
        return inputs.map { ReferenceInterpreter(file.snapshot).run(features: $0) }
      }
      let query = try Instance(name.text).query()
      #expect(try query.run(inputs) == expected(1))
      try Instance(name.text).update(KernelTestHost.policy(seed: 2).snapshot)
      #expect(try query.run(inputs) == expected(2))
      #expect(throws: DatapathError.self) { try query.run([[1, 2, 3]]) }
      let other = try KernelTestHost.policy(seed: 3, hidden: 20).snapshot
      try Instance(name.text).update(other)
      let error = #expect(throws: DatapathError.self) { try query.run(inputs) }
      #expect(error?.code == .changedMeanwhile)
      #expect(try Instance(name.text).query().run(inputs) == expected(3, hidden: 20))
    }
  }

  @Test("a shadow is asked on live decisions, counted apart, and changes nothing that is done")
  func shadow() throws {
    let loopback = try SlowLoopback()
    try attached("sg", settings: InstanceSettings(sampleEvery: 1)) { name in
      let none = #expect(throws: DatapathError.self) {
        try Instance(name.text).setShadow(every: 1)
      }
      #expect(none?.code == .nothingStaged)
      let active = ReferenceInterpreter(try KernelTestHost.policy(seed: 1).file.snapshot)
      let (snapshot, file) = try KernelTestHost.policy(seed: 2)
      let candidate = ReferenceInterpreter(file.snapshot)
      #expect(try Instance(name.text).stage(snapshot) == 2)
      #expect(try Instance(name.text).stage(snapshot) == 2)
      try Instance(name.text).setShadow(every: 2)
      let samples = try Instance(name.text).samples()
      let flow = try TestFlow(loopback, congestion: name.congestion)
      defer { flow.end() }
      flow.startSending()
      let all = try collect(samples, count: 40)
      var differences: [Int64] = []
      for sample in all {
        #expect(active.run(features: sample.features) == sample.outputs)
        guard let shadow = sample.shadowOutputs else { continue }
        #expect(candidate.run(features: sample.features) == shadow)
        differences.append(abs(shadow[0] - sample.outputs[0]))
      }
      #expect(differences.count >= 15 && differences.count < 30)
      let status = try Instance(name.text).status()
      let shadow = try #require(status.shadow)
      #expect(shadow.every == 2 && shadow.version == 2 && shadow.inferences >= UInt64(differences.count))
      let largest = Double(differences.max() ?? 0) / 65536
      #expect(try #require(shadow.maximumDifference) >= largest && largest > 0)
      #expect(try #require(shadow.meanDifference) <= (try #require(shadow.maximumDifference)))
      #expect(status.slots.first { $0.version == 2 }?.inferences == 0)
      let other = try KernelTestHost.policy(seed: 3, hidden: 20).snapshot
      try Instance(name.text).stage(other)
      let wrong = #expect(throws: DatapathError.self) {
        try Instance(name.text).setShadow(every: 1)
      }
      #expect(wrong?.code == .wrongShape)
    }
  }

  @Test("a candidate is promoted, rolled back from, and given up, and old flows stay on their snapshot")
  func promotion() throws {
    let loopback = try SlowLoopback()
    try attached("sh") { name in
      func active() throws -> UInt64? {
        try Instance(name.text).status().slots.first { $0.state == .active }?.version
      }
      let old = try TestFlow(loopback, congestion: name.congestion)
      defer { old.end() }
      old.startSending()
      try Instance(name.text).stage(KernelTestHost.policy(seed: 2).snapshot)
      #expect(try Instance(name.text).status().staged?.version == 2)
      #expect(try active() == 1)
      let promoted = try Instance(name.text).promote()
      #expect(promoted.staged == nil && promoted.slots.first { $0.state == .active }?.version == 2)
      #expect(try eventually { try Instance(name.text).status().slots[0].flows == 1 })
      try Instance(name.text).rollback()
      #expect(try active() == 1)
      let other = try KernelTestHost.policy(seed: 3, hidden: 20).snapshot
      try Instance(name.text).stage(other)
      #expect(try Instance(name.text).sweep().generations.count == 2)
      try Instance(name.text).discard()
      #expect(try Instance(name.text).sweep().generations.count == 1)
      #expect(throws: DatapathError.self) { try Instance(name.text).promote() }
      try Instance(name.text).stage(other)
      #expect(try Instance(name.text).promote().generations.map(\.current) == [false, true])
    }
  }

  @Test("without consistency running flows follow the active slot at their next ACK")
  func follow() throws {
    let loopback = try SlowLoopback()
    try attached("si") { name in
      #expect(try Instance(name.text).status().consistency)
      try Instance(name.text).setConsistency(false)
      let flow = try TestFlow(loopback, congestion: name.congestion)
      defer { flow.end() }
      flow.startSending()
      try Instance(name.text).update(KernelTestHost.policy(seed: 2).snapshot)
      #expect(
        try eventually {
          let status = try Instance(name.text).status()
          return status.slots.first { $0.version == 2 }?.flows == 1
            && status.slots.first { $0.version == 1 }?.flows == 0
        })
    }
  }

  @Test("a command that dies between any two actions of a promotion leaves a true state")
  func interrupted() throws {
    for hidden in [16, 20] {
      let next = try KernelTestHost.policy(seed: 2, hidden: hidden).snapshot
      var survived = 0
      var count = 0
      repeat {
        try attached("sj") { name in
          do {
            let instance = try Instance(name.text).pinned()
            var router = try instance.router()
            let staging = try router.stage(next.identity, now: MonotonicClock.nanoseconds)
            let promotion = try router.promote(now: MonotonicClock.nanoseconds)
            let actions = staging + promotion
            count = actions.count
            try instance.perform(Array(actions.prefix(survived)), snapshot: next)
          }
          let status = try Instance(name.text).sweep()
          let active = try #require(status.slots.first { $0.state == .active }, "\(survived) actions")
          #expect(status.staged == nil || status.staged?.version != active.version)
          let features = [[Int64]](repeating: [Int64](repeating: 70_000, count: 30), count: 2)
          let isNew = active.digest == next.digest.hexadecimal
          let file =
            try isNew
            ? KernelTestHost.policy(seed: 2, hidden: hidden).file : KernelTestHost.policy(seed: 1).file
          let expected = features.map { ReferenceInterpreter(file.snapshot).run(features: $0) }
          #expect(try Instance(name.text).query().run(features) == expected, "\(survived) actions")
          // The whole way is open to the next command.
          try Instance(name.text).stage(KernelTestHost.policy(seed: 6).snapshot)
          let promoted = try Instance(name.text).promote()
          #expect(promoted.slots.first { $0.state == .active }?.name == "policy-6")
        }
        survived += 1
      } while survived <= count
    }
  }
}
