import Foundation
import MedullaBase
import MedullaDatapath
import MedullaFabric
import MedullaRuntime
import MedullaSnapshot
import TestbedLink
import TestbedMeasures
import TestbedReport

/// Runs a network in a fabric and in a process.
struct FabricBench {
  private static let smallFactor = 50
  private static let unitRepeats = 20_000
  static let differentInputs = 32

  private let shipped: any LoadedNetwork
  let count: Int
  let window: Int

  /// - Parameter models: the folder of the shipped network.
  init(models: String, count: Int, window: Int) throws {
    self.count = count
    self.window = window
    let (network, samples) = try ShippedNetwork.read(models)
    let file = try SnapshotFile(Quantizer().quantize(network, Calibration(samples: samples)))
    shipped = try KernelRuntime().load(CompiledNetwork(file))
  }

  /// With what the shipped network takes at that moment.
  func reading(_ network: DrawnNetwork, _ way: FabricLatency.Way, processors: Int) throws -> Reading {
    let number = network.isLarge ? count : count * Self.smallFactor
    let (file, inputs) = try network.drawn(inputs: Self.differentInputs)
    let all = (0..<number).map { inputs[$0 % inputs.count] }
    let (leaves, spines) = network.topology
    return try withUnit {
      switch way {
      case .fabric: try fabric(file, leaves: leaves, spines: spines, all, processors)
      case .packed: try packed(file, all, processors)
      case .engine: try engine(file, all)
      }
    }
  }

  /// What is measured, with what the shipped network takes just before it.
  func withUnit(_ measure: () throws -> Reading) throws -> Reading {
    let features = [Int64](repeating: 0, count: shipped.shape.inputs)
    let unit = try shipped.time(features, repeats: Self.unitRepeats)
    var reading = try measure()
    reading[FabricLatency.unit] = unit.nanoseconds - unit.setUp
    return reading
  }

  /// - Parameter all: inputs, the same ones again after `differentInputs`.
  func fabric(
    _ file: SnapshotFile, leaves: Int, spines: Int, _ all: [[Int64]], _ processors: Int
  ) throws -> Reading {
    let fabric = try StudyFabric(
      file, leaves: leaves, spines: spines, processors: processors, slots: window)
    let client = try FabricClient(fabric.names)
    let reference = ReferenceInterpreter(file.snapshot)
    let expected = all.prefix(Self.differentInputs).map { reference.run(features: $0) }
    let alone = try client.infer(all)
    let started = ContinuousClock.now
    let together = try client.infer(all, window: window)
    let seconds = (ContinuousClock.now - started) / .seconds(1)
    let wrong = [alone, together].reduce(0) { sum, results in
      sum + results.enumerated().count { $0.element.outputs != expected[$0.offset % expected.count] }
    }
    var reading = Self.times(alone.map { $0.time / .microseconds(1) }, perSecond: Double(all.count) / seconds)
    reading[FabricLatency.wrong] = Double(wrong)
    return reading
  }

  func packed(_ file: SnapshotFile, _ all: [[Int64]], _ processors: Int) throws -> Reading {
    let loaded = try NativeRuntime.packedOfAnySize.load(CompiledNetwork(file))
    let alone = try all.map { input in
      let started = ContinuousClock.now
      _ = try loaded.run(words: [input])
      return (ContinuousClock.now - started) / .microseconds(1)
    }
    let started = ContinuousClock.now
    DispatchQueue.concurrentPerform(iterations: processors) { _ in
      for input in all { _ = try? loaded.run(words: [input]) }
    }
    let seconds = (ContinuousClock.now - started) / .seconds(1)
    return Self.times(alone, perSecond: Double(all.count * processors) / seconds)
  }

  private func engine(_ file: SnapshotFile, _ all: [[Int64]]) throws -> Reading {
    let stages = try Stage.all(of: file.snapshot.shape)
    let lowering = try StageLowering(
      file.snapshot, stages, parts: stages.map { [0..<$0.channels] }, cells: CellFormat())
    let local = try LocalFabric(lowering)
    let alone = try all.map { input in
      let started = ContinuousClock.now
      _ = try local.run(features: input)
      return (ContinuousClock.now - started) / .microseconds(1)
    }
    return Self.times(alone, perSecond: Double(alone.count) / (alone.reduce(0, +) / 1e6))
  }

  static func times(_ microseconds: [Double], perSecond: Double) -> Reading {
    Reading([
      FabricLatency.p50: Statistics.quantile(microseconds, 0.5),
      FabricLatency.p99: Statistics.quantile(microseconds, 0.99), FabricLatency.rate: perSecond,
    ])
  }
}
