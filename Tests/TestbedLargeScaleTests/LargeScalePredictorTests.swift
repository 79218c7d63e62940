import Foundation
import MedullaBase
import MedullaCodegen
import MedullaDatapath
import MedullaFlows
import MedullaKernel
import MedullaLearning
import MedullaScheduling
import MedullaSnapshot
import TestbedCases
import Testing

@testable import TestbedLargeScale
@testable import TestbedLink
@testable import TestbedMeasures

@Suite("Large scale: predicted flow sizes")
struct LargeScalePredictorTests {
  @Test("the trained network is the paper's FFNN and beats what needs no network, on flows it has not seen")
  func accuracy() throws {
    let sizes = try LargeScaleCases.sizes()
    let predictor = try FlowSizePredictor(
      like: LargeScaleCases.workload(), sizes: sizes, training: LargeScaleCases.training())
    let widths = predictor.network.layers.compactMap { layer in
      if case .dense(let dense) = layer { dense.outputs } else { nil }
    }
    #expect(widths == [5, 5, 1])
    let test = try LargeScaleCases.workload(flows: 1_000, seed: 7).draw(sizes)
    let accuracy = FlowSizeAccuracy(predictor.file.snapshot, on: test, bands: FlowBands())
    #expect(accuracy.flows == 1_000)
    #expect(accuracy.rightBand > accuracy.rightBandOfPrevious + 0.03, "\(accuracy)")
    #expect(accuracy.rightBand > accuracy.rightBandOfMostFrequent + 0.05, "\(accuracy)")
    #expect(accuracy.withinOneBand > 0.8, "\(accuracy)")
  }

  @Test("scaling that goes into the weights leaves the network's answers as they were")
  func unscaled() throws {
    var generator = SeededGenerator(seed: 20_261_121)
    let flows = try LargeScaleCases.workload(flows: 200).draw(LargeScaleCases.sizes())
    let samples = FlowSizeSamples(flows, using: &generator)
    let scale = FlowSizeScale(samples)
    let trained = try DenseNetwork(
      widths: [5, 5, 5, 1], activations: [.relu, .relu, .identity], seed: 20_261_121)
    let plain = scale.unscaled(trained)
    let errors = zip(samples.inputs, samples.targets).map { input, target in
      Double(plain(input)[0] - target) * Double(plain(input)[0] - target)
    }
    #expect(abs(Statistics.mean(errors) - scale.squaredError(of: trained, on: samples)) < 1e-2)
  }

  @Test(
    "a snapshot written as C gives the reference interpreter's bits, on random inputs and on the extremes")
  func generatedC() throws {
    let seed: UInt64 = 20_261_121
    var generator = SeededGenerator(seed: seed)
    let predictor = try FlowSizePredictor(
      like: LargeScaleCases.workload(), sizes: LargeScaleCases.sizes(),
      training: LargeScaleCases.training())
    let snapshot = predictor.file.snapshot
    let source = SnapshotSource(predictor.file)
    let path = try NativeCompiler(clang: ClangInstallation.find()).sharedObject(
      source: SnapshotSource.sourceName, files: source.files,
      options: ["-O2", "-Wno-unused-function"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let library = try #require(dlopen(path, RTLD_NOW))
    defer { dlclose(library) }
    typealias Run =
      @convention(c) (
        UnsafeMutableRawPointer, UnsafePointer<Int64>, UnsafeMutablePointer<Int64>, Int
      ) -> Void
    let run = unsafeBitCast(try #require(dlsym(library, "medulla_snapshot_run")), to: Run.self)
    let digest = try #require(dlsym(library, "medulla_snapshot_digest"))
    #expect(String(cString: digest.assumingMemoryBound(to: CChar.self)) == predictor.file.digest)

    let interpreter = ReferenceInterpreter(snapshot)
    var inputs: [[Int64]] = [Int64.min, Int64.max, 0, -1].map { [Int64](repeating: $0, count: 5) }
    for _ in 0..<20_000 {
      inputs.append((0..<5).map { _ in Int64.random(in: -(1 << 21)...(1 << 21), using: &generator) })
    }
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: NativeProgram(shape: snapshot.shape).layout.memoryBytes, alignment: 8)
    defer { memory.deallocate() }
    // One output a row; all rows in one batch, and the first alone.
    try #require(snapshot.shape.outputs == 1)
    var outputs = [Int64](repeating: 0, count: inputs.count)
    run(memory, inputs.flatMap { $0 }, &outputs, inputs.count)
    for (input, output) in zip(inputs, outputs) {
      #expect([output] == interpreter.run(features: input), "\(input), seed \(seed)")
    }
    var alone: Int64 = 0
    run(memory, inputs[0], &alone, 1)
    #expect(alone == outputs[0])
  }

  @Test("the scheduling function takes the network: its features are the function's, and its one output")
  func attachable() throws {
    let predictor = try FlowSizePredictor(
      like: LargeScaleCases.workload(), sizes: LargeScaleCases.sizes(),
      training: LargeScaleCases.training())
    let shape = predictor.file.snapshot.shape
    let named = try #require(shape.flows)
    #expect(named.features == FlowSizeFeatures.inputs && named.features.count == shape.inputs)
    #expect(throws: Never.self) {
      try FlowInputs(named.features, fractionBits: shape.featureFractionBits)
    }
    #expect(FlowScheduling.sizes.accepts(inputs: shape.inputs, outputs: shape.outputs))
    #expect(FlowScheduling.main.inputs == .flows)
  }

  @Test("a training on one workload only is refused: none would be left to judge by")
  func oneSeed() throws {
    var training = LargeScaleCases.training()
    training.seeds = [101]
    #expect(throws: TestbedError.self) {
      try FlowSizePredictor(
        like: LargeScaleCases.workload(), sizes: LargeScaleCases.sizes(), training: training)
    }
  }
}
