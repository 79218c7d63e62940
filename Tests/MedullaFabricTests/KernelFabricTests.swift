import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Testing

@Suite(
  "A network in the kernel's switches", .serialized, .enabled(if: TestFabric.isUsable, TestFabric.reason))
struct KernelFabricTests {
  private static let seed: UInt64 = 41

  private static func images() throws -> (snapshot: Snapshot, inputs: [[Int64]]) {
    var random = SeededGenerator(seed: seed)
    let network = try ImageNetwork.small.network(using: &random)
    let samples = ImageNetwork.images(40, using: &random)
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
      network, Calibration(samples: samples))
    return (snapshot, samples.map { snapshot.shape.fixedPoint($0) })
  }

  @Test("images through eight leaves give the reference's bits, one at a time and eight at once")
  func images() throws {
    let (snapshot, inputs) = try Self.images()
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 8, spines: 4, processors: 1))
    let client = try FabricClient(fabric.names)
    let reference = ReferenceInterpreter(snapshot)
    let expected = inputs.map { reference.run(features: $0) }
    for window in [1, 8] {
      #expect(try client.infer(inputs, window: window).map(\.outputs) == expected, "window \(window)")
    }
  }

  @Test("lost cells are asked for until they come, and no answer is wrong")
  func loss() throws {
    let (snapshot, inputs) = try Self.images()
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 8, spines: 4, processors: 1))
    fabric.running.lose(millionths: 50_000)
    let client = try FabricClient(fabric.names)
    let reference = ReferenceInterpreter(snapshot)
    let results = try client.infer(inputs + inputs, window: 4)
    #expect(results.map(\.outputs) == (inputs + inputs).map { reference.run(features: $0) })
    #expect(results.contains { $0.attempts > 1 } && client.counts.asked > 0)
  }
}
