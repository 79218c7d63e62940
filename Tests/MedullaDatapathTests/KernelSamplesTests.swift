import Foundation
import MedullaKernel
import MedullaSnapshot
import Testing

@testable import MedullaDatapath

@Suite(
  "samples and candidates of the congestion control", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelSamplesTests {
  /// Attaches under a name of its own, and detaches whatever happens.
  private func attached(
    _ letter: String, seed: UInt64 = 1, configuration: CongestionConfiguration = .init(),
    _ body: (InstanceName) throws -> Void
  ) throws {
    let name = try InstanceName(KernelTestHost.name(letter))
    try CongestionControl.attach(
      name: name.text, snapshot: KernelTestHost.policy(seed: seed).snapshot, configuration: configuration)
    defer { try? CongestionControl.detach(name: name.text) }
    try body(name)
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
    try attached("sa", configuration: CongestionConfiguration(sampleEvery: 1)) { name in
      let reference = ReferenceInterpreter(try KernelTestHost.policy(seed: 1).file.snapshot)
      let samples = try FunctionSamples(name: name.text)
      let flows = try (0..<2).map { _ in try TestFlow(loopback, congestion: name.congestion) }
      defer { flows.forEach { $0.end() } }
      flows.forEach { $0.startSending() }
      let all = try collect(samples, count: 40)
      #expect(all.count >= 40)
      for sample in all {
        #expect(reference.run(features: sample.features) == sample.outputs)
        #expect(sample.version == 1)
        #expect(sample.shadowOutputs == nil)
        let outcome = try #require(CongestionOutcome(sample.outcomes))
        #expect(outcome.acknowledged > 0 && outcome.intervalMicroseconds > 0)
        #expect(outcome.roundTripMicroseconds >= outcome.minimumRoundTripMicroseconds)
        #expect(outcome.rate > 0 && outcome.deliveryRate > 0)
      }
      #expect(Set(all.map(\.flow)) == [1, 2])
      #expect(all.map(\.nanoseconds) == all.map(\.nanoseconds).sorted())
      let status = try CongestionControl.status(name: name.text)
      #expect(status.samples >= UInt64(all.count) && status.samplesDropped == 0)
      #expect(status.sampling == 1)
    }
  }
}
