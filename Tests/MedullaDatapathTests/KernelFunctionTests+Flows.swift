import Foundation
import MedullaKernel
import MedullaSnapshot
import Testing

@testable import MedullaDatapath

/// What is remembered of flows, and for those that are not kept.
extension KernelFunctionTests {
  /// Sends one datagram from each of so many sockets: each has a port of its own, and so is a flow.
  static func begin(flows: Int, _ loopback: SlowLoopback) throws {
    try loopback.inside {
      for _ in 0..<flows {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(9).bigEndian
        address.sin_addr.s_addr = inet_addr(SlowLoopback.address)
        _ = withUnsafePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(descriptor, "hello", 5, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
      }
    }
  }

  @Test(
    "every second decision is sampled and shadowed, the same ones, and the sample has the shadow's outputs")
  func shadowOutputs() throws {
    try attached("fh", configuration: .init()) { name, loopback in
      let (next, file) = try KernelTestHost.network(seed: 2, inputs: 4, outputs: 2)
      try CustomFunction.stage(name: name.text, snapshot: next)
      try CustomFunction.setShadow(name: name.text, every: 2)
      try CustomFunction.setSampling(name: name.text, every: 2)
      let samples = try FunctionSamples(name: name.text)
      let flow = try TestFlow(loopback, congestion: "reno")
      defer { flow.end() }
      flow.startSending()
      #expect(eventually { flow.sent > 1_000_000 })
      let all = try samples.drain()
      #expect(all.count > 20)
      let reference = ReferenceInterpreter(file.snapshot)
      for sample in all {
        #expect(sample.shadowOutputs == reference.run(features: sample.features))
        #expect(sample.shadowOutputs != sample.outputs)
      }
      // Without a shadow there is nothing to report of one.
      try CustomFunction.setShadow(name: name.text, every: nil)
      _ = try samples.drain()
      let isGone = try eventually { try samples.drain().last.map { $0.shadowOutputs == nil } ?? false }
      #expect(isGone)
    }
  }

  @Test("flows that are not kept are sampled and shadowed as often as is set, together")
  func unkeptFlows() throws {
    let top = "#define MEDULLA_FLOW_LIMIT 1"
    try attached("fi", source: Self.source(top: top), configuration: .init()) { name, loopback in
      try Self.begin(flows: 1, loopback)
      let (next, file) = try KernelTestHost.network(seed: 2, inputs: 4, outputs: 2)
      try CustomFunction.stage(name: name.text, snapshot: next)
      try CustomFunction.setShadow(name: name.text, every: 4)
      try CustomFunction.setSampling(name: name.text, every: 4)
      let samples = try FunctionSamples(name: name.text)
      let before = try active(name).inferences
      try Self.begin(flows: 400, loopback)
      let decisions = Int(try active(name).inferences - before)
      let all = try samples.drain()
      #expect(decisions >= 400)
      // Each processor counts for itself, so that each may be off by one.
      let processors = ProcessInfo.processInfo.processorCount
      #expect(abs(all.count - decisions / 4) <= processors, "\(all.count) of \(decisions)")
      #expect(all.contains { $0.flow == 0 })
      let reference = ReferenceInterpreter(file.snapshot)
      #expect(all.allSatisfy { $0.shadowOutputs == reference.run(features: $0.features) })
      let shadowed = Int(try #require(CustomFunction.status(name: name.text).shadow).inferences)
      #expect(shadowed == all.count)
    }
  }

  @Test(
    "a sweep that cannot be started is started by the next flow",
    arguments: ["init", "set_callback", "start"])
  func sweepAgain(failing: String) throws {
    let parameters = failing == "set_callback" ? "timer, value" : "timer, value, flags"
    let top = """
      #define MEDULLA_FLOW_IDLE_NS 400000000ULL
      #include "kernel_types.h"
      static __u32 attempts;
      #define bpf_timer_\(failing)(\(parameters)) \\
        (__sync_fetch_and_add(&attempts, 1) ? bpf_timer_\(failing)(\(parameters)) : -22)
      """
    try attached("fj", source: Self.source(top: top)) { name, loopback in
      // The first packet's attempt fails; the next flow's, or the first one's answer, does not.
      try Self.begin(flows: 2, loopback)
      let areSwept = try eventually(within: 5) { try active(name).flows == 0 }
      #expect(areSwept)
    }
  }

  @Test("a question waits only so long for another that holds the query, and says so")
  func busyQuery() throws {
    try attached("fk") { name, _ in
      let query = try LiveQuery(name: name.text)
      let lock = try DirectoryLock(AttachedInstance.generationPath(of: name, 1))
      #expect(lock != nil)
      let begin = ContinuousClock.now
      let error = #expect(throws: DatapathError.self) { try query.run([[0, 0, 0, 0]]) }
      #expect(error?.code == .busy)
      #expect(ContinuousClock.now - begin >= LiveQuery.patience)
      withExtendedLifetime(lock) {}
    }
    try attached("fk") { name, _ in
      let answers = try LiveQuery(name: name.text).run([[0, 0, 0, 0]])
      #expect(answers.count == 1)
    }
  }
}
