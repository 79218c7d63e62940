import InferenceCases
import MedullaAccelerators
import MedullaRuntime
import MedullaSnapshot
import RuntimeCases
import Testing

@testable import MedullaAcceleratorRuntimes

@Suite("Accelerators as runtimes")
struct AcceleratorRuntimeTests {
  static let seed: UInt64 = 20_261_121

  @Test("the simulated device gives the reference's bits on the whole inference suite, by the PTX itself")
  func suite() throws {
    let cases = try InferenceCase.all(seed: Self.seed)
    #expect(cases.count > 50)
    let all = try cases.concurrentMap {
      try RuntimeConformance(AcceleratorRuntime(.simulatedCUDA(kernels: .instructions)), $0).breaches()
    }
    for (example, breaches) in zip(cases, all) {
      #expect(breaches.isEmpty, "\(example.name), seed \(Self.seed): \(breaches.prefix(3))")
    }
  }

  @Test("the processor gives them too, by the native program or the interpreter")
  func processor() throws {
    for example in try InferenceCase.all(seed: Self.seed).prefix(6) {
      #expect(try RuntimeConformance(AcceleratorRuntime.cpu, example).breaches().isEmpty, "\(example.name)")
    }
  }

  @Test("each has a name of its own, and one that is missing says why and what to do")
  func names() {
    #expect(Set(AcceleratorRuntime.all.map(\.name)).count == AcceleratorRuntime.all.count)
    #expect(AcceleratorRuntime.cpu.obstacle == nil && AcceleratorRuntime.simulatedCUDA.obstacle == nil)
    let missing = AcceleratorRuntime(.cuda(library: "/nowhere/libcuda.so.1"))
    #expect(missing.obstacle?.code == .unavailable)
    #expect(missing.obstacle?.remedy.isEmpty == false)
  }

  @Test("a device whose memory is full says so; two networks of one shape are kept apart")
  func memory() throws {
    let cases = try InferenceCase.all(seed: Self.seed).prefix(2).map(\.self)
    var failures = SimulatedFailures()
    failures.memoryBytes = 2_000
    let small = AcceleratorRuntime(.simulatedCUDA(failures: failures))
    let error = #expect(throws: AcceleratorError.self) {
      try small.load(CompiledNetwork(SnapshotFile(cases[0].snapshot)))
    }
    #expect(error?.code == .outOfMemory)
    let runtime = AcceleratorRuntime(.simulatedCUDA())
    let loaded = try cases.map { try runtime.load(CompiledNetwork(SnapshotFile($0.snapshot))) }
    for (network, example) in zip(loaded, cases) {
      #expect(try network.run(words: example.inputs) == example.expected)
      #expect(try network.facts()["deviceBytes"] ?? 0 > 0)
    }
    let short = #expect(throws: RuntimeError.self) { try loaded[0].run(words: [[1]]) }
    #expect(short?.code == .wrongSize)
  }
}
