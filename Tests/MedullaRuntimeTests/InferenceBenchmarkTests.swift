import MedullaRuntime
import MedullaSnapshot
import Testing

@Suite("The inference benchmark")
struct InferenceBenchmarkTests {
  /// A runtime of the test's own: what a later engine has to write.
  private struct Engine: Runtime {
    var name = "engine"
    let summary = "a test's own"
    var promise = RuntimePromise.exact
    var obstacle: RuntimeError?
    var error: Int64 = 0

    func load(_ network: CompiledNetwork) throws -> any LoadedNetwork {
      Loaded(shape: network.snapshot.shape, error: error, snapshot: network.snapshot)
    }

    private final class Loaded: LoadedNetwork {
      let shape: ProgramShape
      let error: Int64
      let snapshot: Snapshot

      init(shape: ProgramShape, error: Int64, snapshot: Snapshot) {
        self.shape = shape
        self.error = error
        self.snapshot = snapshot
      }

      func run(words rows: [[Int64]]) throws -> [[Int64]] {
        try check(rows)
        return rows.map { ReferenceInterpreter(snapshot).run(features: $0).map { $0 + error } }
      }

      func time(_ features: [Int64], repeats: Int) throws -> InferenceTime {
        InferenceTime(nanoseconds: 5e7, setUp: 1e7)
      }

      func facts() throws -> [String: Int] { ["wires": 7] }
    }
  }

  @Test("a new runtime is one type: its figure and its counts are reported, an absent one with the reason")
  func report() throws {
    let network = try TestNetworks.dense(seed: 1)
    let absent = Engine(name: "absent", obstacle: RuntimeError(.unavailable, "no such card"))
    let report = try InferenceBenchmark(network, runtimes: [Engine(), absent]).run(features: network.middle)
    #expect(report.figures.map(\.runtime) == ["engine"])
    #expect(report.figure(of: "engine")?.time.inference == 4e7)
    #expect(report.figure(of: "engine")?.facts == ["wires": 7])
    #expect(report.absent.map(\.reason.message) == ["no such card"])
    #expect(report.repeats == 10, "half a second of 50 ms each")
  }

  @Test(
    "a network that is too large for the kernel's programs runs where it can, and the report says why not")
  func large() throws {
    let network = try TestNetworks.dense(seed: 1, hidden: 20_000)
    let report = try InferenceBenchmark(network, runtimes: [NativeRuntime.packed, NativeRuntime.scalar])
      .run(features: network.middle)
    #expect(report.figures.map(\.runtime) == ["native-scalar"])
    #expect(report.absent.map(\.reason.code) == [.unsuitable])
  }

  @Test("runtimes that promise the same bits and give others are an error")
  func disagreement() throws {
    let network = try TestNetworks.dense(seed: 1)
    let error = #expect(throws: RuntimeError.self) {
      try InferenceBenchmark(network, runtimes: [Engine(), Engine(name: "off by one", error: 1)])
        .run(features: network.middle)
    }
    #expect(error?.code == .disagreement)
    #expect(error?.message.contains("off by one") == true)
  }
}
