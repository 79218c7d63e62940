import Foundation
import MedullaBase
import MedullaModel
import Testing

@testable import MedullaSnapshot

@Suite("Quantizer")
struct QuantizerTests {
  @Test(
    "the published Aurora network loses at most 0.1% of its output's range at W8A16",
    .enabled(if: Networks.hasData, "the shared test data is not here"))
  func aurora() throws {
    let network = try ONNXReader.read(
      contentsOf: Networks.data.appendingPathComponent("models/aurora.onnx").path)
    let samples = try SampleFile.read(
      Networks.data.appendingPathComponent("models/aurora_calibration.npy").path, elements: 30)
    let calibration = Calibration(samples: samples)
    let snapshot = try Quantizer().quantize(network, calibration)
    let report = try AccuracyReport(snapshot, network, calibration)
    #expect(report.calibration.meanRelative <= 0.001)
    #expect(report.heldOut.meanRelative <= 0.001)
    #expect(report.generated.meanRelative <= 0.001)
    #expect(snapshot.proofs.map(\.packing) == [.pair, .pair, .pair])
    #expect(report.steps.map(\.name) == ["layer 0 dense + tanh", "layer 2 dense + tanh", "layer 4 dense"])
  }

  @Test("more bits lose less, scheme by scheme")
  func schemes() throws {
    let network = try Networks.aurora()
    let calibration = Calibration(samples: Networks.samples(200, of: 30, seed: 3))
    var previous = 1.0
    for scheme in [QuantizationScheme.w8a8, .w8a16, .w16a16] {
      let snapshot = try Quantizer(QuantizerOptions(scheme: scheme)).quantize(network, calibration)
      let mean = try AccuracyReport(snapshot, network, calibration).overall.meanRelative
      #expect(mean < previous / 2, "\(scheme) loses \(mean), the one before \(previous)")
      previous = mean
    }
    #expect(previous < 1e-4)
  }

  @Test(
    "activations of 10 bits pack three sums a word where the actual weights prove it, and lose less than 8")
  func tenBits() throws {
    let network = try Networks.aurora()
    let calibration = Calibration(samples: Networks.samples(200, of: 30, seed: 3))
    let (narrow, ten) = (
      try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(network, calibration),
      try Quantizer(QuantizerOptions(scheme: .w8a10)).quantize(network, calibration)
    )
    for proof in ten.proofs {
      #expect(proof.packing == .triple, "step \(proof.step)")
      #expect(proof.highestLane < 1 << 20 && proof.lowestLane >= -(1 << 20))
      // Beyond what any weights would be proven for.
      #expect(proof.terms * 127 * 511 > 1 << 20 || proof.terms <= 16)
    }
    let (more, less) = (
      try AccuracyReport(narrow, network, calibration).overall.meanRelative,
      try AccuracyReport(ten, network, calibration).overall.meanRelative
    )
    #expect(less < more, "\(less) against \(more)")
  }

  @Test("weights that 21 bits do not hold at 10-bit activations take pairs")
  func tenBitsHeavy() throws {
    let layer = Dense(inputs: 64, outputs: 3, weights: [Float](repeating: 1, count: 192), bias: [0, 0, 0])
    let network = try Network(name: "heavy", inputShape: TensorShape([64]), layers: [.dense(layer)])
    let calibration = Calibration(samples: Networks.samples(50, of: 64, seed: 4))
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a10)).quantize(network, calibration)
    #expect(snapshot.proofs.map(\.packing) == [.pair])
  }

  @Test("rounding weights together loses less than rounding each to nearest")
  func compensation() throws {
    let network = try Networks.aurora()
    // Features that move together, as ten intervals of one flow do.
    var generator = SeededGenerator(seed: 5)
    let samples = (0..<200).map { _ in
      let level = generator.unit()
      return (0..<30).map { _ in Float(level + 0.05 * generator.unit()) }
    }
    let calibration = Calibration(samples: samples)
    let errors = try [true, false].map { compensates in
      let options = QuantizerOptions(compensatesErrors: compensates)
      let snapshot = try Quantizer(options).quantize(network, calibration)
      return try AccuracyReport(snapshot, network, calibration).heldOut.meanRelative
    }
    #expect(errors[0] < errors[1] / 2, "\(errors)")
  }

  @Test("the same network, calibration and options give the same bytes and digest")
  func deterministic() throws {
    let files = try (0..<2).map { _ in
      let snapshot = try Quantizer().quantize(
        Networks.aurora(), Calibration(samples: Networks.samples(40, of: 30, seed: 1)))
      return try SnapshotFile(snapshot)
    }
    #expect(files[0].bytes == files[1].bytes)
    #expect(files[0].digest == files[1].digest)
    let other = try Quantizer().quantize(
      Networks.aurora(), Calibration(samples: Networks.samples(40, of: 30, seed: 2)))
    #expect(try SnapshotFile(other).digest != files[0].digest)
  }

  @Test("features keep their precision whatever their range, and saturate outside it")
  func featureRanges() throws {
    let network = try Networks.chain([3, 4, 1], [.tanh, nil], seed: 9)
    let ranges = [
      FeatureRange(low: 0, high: 1), FeatureRange(low: 1, high: 10_000), FeatureRange(low: -0.01, high: 0.01),
    ]
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w16a16)).quantize(
      network, Calibration(ranges: ranges))
    let interpreter = ReferenceInterpreter(snapshot)
    for (feature, range) in ranges.enumerated() {
      var input: [Float] = [0.5, 100, 0]
      func entered(_ value: Double) -> Int64 {
        input[feature] = Float(value)
        return interpreter.trace(features: interpreter.fixedPoint(input))[0][feature]
      }
      let low = entered(range.low)
      let high = entered(range.high)
      #expect(low < -32_000 && high > 32_000, "feature \(feature) enters as \(low) to \(high)")
      #expect(entered(range.low - 1e6) == -32767)
      #expect(entered(range.high + 1e6) >= 32766)
    }
  }

  @Test("given ranges alone calibrate a network")
  func rangesAlone() throws {
    let network = try Networks.chain([5, 8, 2], [.relu, nil], seed: 4)
    let calibration = Calibration(ranges: [FeatureRange](repeating: FeatureRange(low: -2, high: 3), count: 5))
    let snapshot = try Quantizer().quantize(network, calibration)
    let report = try AccuracyReport(snapshot, network, calibration)
    #expect(report.heldOut.samples > 100)
    #expect(report.worstMean < 0.005)
  }

  @Test("a target error takes the cheapest scheme that meets it")
  func search() throws {
    let network = try Networks.aurora()
    let calibration = Calibration(samples: Networks.samples(100, of: 30, seed: 8))
    let errors = try QuantizationScheme.cheapestFirst.map { scheme in
      let snapshot = try Quantizer(QuantizerOptions(scheme: scheme)).quantize(network, calibration)
      return try AccuracyReport(snapshot, network, calibration).worstMean
    }
    for error in errors {
      // A network's weights may cost three lanes of 21 bits more than 10-bit activations gain.
      let scheme = zip(QuantizationScheme.cheapestFirst, errors).first { $0.1 <= error }?.0
      let found = try Quantizer().quantize(network, calibration, target: error * 1.001)
      #expect(found.snapshot.shape.scheme == scheme)
      #expect(found.report.meets(error * 1.001))
    }
    let error = #expect(throws: SnapshotError.self) {
      try Quantizer().quantize(network, calibration, target: errors[3] / 2)
    }
    #expect(error?.code == .errorTooLarge)
  }

  @Test("a tuned network keeps its program's shape when it is asked to")
  func matching() throws {
    let calibration = Calibration(samples: Networks.samples(60, of: 30, seed: 1))
    let running = try Quantizer().quantize(Networks.aurora(), calibration)
    for (seed, scale) in [(11, 1.0), (12, 0.02), (13, 3.0)] {
      let tuned = try Networks.chain([30, 32, 16, 1], [.tanh, .tanh, nil], seed: UInt64(seed), scale: scale)
      let snapshot = try Quantizer(QuantizerOptions(matching: running.shape)).quantize(tuned, calibration)
      #expect(snapshot.shape == running.shape, "scale \(scale)")
      let free = try Quantizer().quantize(tuned, calibration)
      let errors = try [snapshot, free].map { try AccuracyReport($0, tuned, calibration).worstMean }
      #expect(errors[0] <= errors[1] * 1.5, "scale \(scale) loses \(errors)")
    }
    let wider = try Networks.chain([30, 33, 16, 1], [.tanh, .tanh, nil], seed: 1)
    let error = #expect(throws: SnapshotError.self) {
      try Quantizer(QuantizerOptions(matching: running.shape)).quantize(wider, calibration)
    }
    #expect(error?.code == .shapeMismatch)
  }

  @Test("weights that no 32-bit lane is proven for run one to a word")
  func wideSums() throws {
    let network = try Network(
      name: "sum", inputShape: TensorShape([1024]),
      layers: [
        .dense(Dense(inputs: 1024, outputs: 2, weights: [Float](repeating: 1, count: 2048), bias: [0, 0]))
      ])
    let snapshot = try Quantizer().quantize(
      network, Calibration(samples: Networks.samples(20, of: 1024, seed: 6)))
    let proof = try #require(snapshot.proofs.first)
    #expect(proof.packing == .single)
    #expect(proof.highestSum > Int64(Int32.max))
  }

  @Test("calibration that does not fit is refused with the sample or feature named")
  func badCalibration() throws {
    let network = try Networks.chain([3, 1], [nil], seed: 1)
    let cases: [(Calibration, String)] = [
      (Calibration(samples: []), "no calibration samples"),
      (Calibration(samples: [[1, 2, 3], [1, 2]]), "sample 1"),
      (Calibration(samples: [[1, .nan, 3]]), "feature 1"),
      (Calibration(ranges: [FeatureRange(low: 0, high: 1)]), "3 features"),
      (Calibration(ranges: [FeatureRange](repeating: FeatureRange(low: 2, high: 1), count: 3)), "feature 0"),
      (
        Calibration(ranges: [FeatureRange](repeating: FeatureRange(low: -1e30, high: 1), count: 3)),
        "too wide"
      ),
    ]
    for (calibration, text) in cases {
      let error = #expect(throws: SnapshotError.self) { try Quantizer().quantize(network, calibration) }
      #expect(error?.code == .badCalibration)
      #expect(error?.message.contains(text) == true, "\(error?.message ?? "") does not say \(text)")
    }
  }

  @Test("a padded convolution behind a mere change of shape is compiled and reported on, wherever it stands")
  func paddedLine() throws {
    var generator = SeededGenerator(seed: 3)
    let line = TensorShape([2, 1, 16])
    let convolution = Layer.convolution(
      Convolution(
        inputChannels: 2, outputChannels: 2, kernel: Extent(height: 1, width: 3),
        padding: Padding(top: 0, left: 1, bottom: 0, right: 1),
        weights: (0..<12).map { _ in Float(generator.unit() - 0.5) }, bias: [0.1, -0.1]))
    let asLine = Layer.rearrange(Rearrangement(indices: Array(0..<32), shape: line))
    for layers in [[asLine, convolution], [asLine, convolution, asLine, convolution], [convolution]] {
      let network = try Network(
        name: "line", inputShape: layers.count == 1 ? line : TensorShape([2, 16]), layers: layers)
      let calibration = Calibration(samples: Networks.samples(40, of: 32, seed: 4))
      let snapshot = try Quantizer().quantize(network, calibration)
      let report = try AccuracyReport(snapshot, network, calibration)
      #expect(report.overall.maximumRelative < 0.1)
      #expect(report.steps.allSatisfy { $0.own < 0.02 }, "\(report.steps)")
      #expect(throws: Never.self) { try snapshot.slice(layers: 0...network.layers.count - 1) }
    }
  }

  @Test("no calibration value traps: it is refused in words, or the snapshot is proven and runs")
  func extremeCalibration() throws {
    let values: [Float] = [1e15, -1e15, 3e38, -3e38, 1e-38, .leastNonzeroMagnitude, 0]
    let networks = [
      try Networks.chain([3, 4, 2], [.tanh, nil], seed: 1),
      try Networks.chain([3, 4, 2], [.relu, .clip(minimum: -1, maximum: 6)], seed: 2),
      try Network(name: "softmax", inputShape: TensorShape([3]), layers: [.softmax]),
      try Network(
        name: "pool", inputShape: TensorShape([1, 1, 3]),
        layers: [
          .pool(
            Pool(kind: .max, kernel: Extent(height: 1, width: 2), strides: Extent(height: 1, width: 1)))
        ]),
    ]
    for value in values {
      for rows in [1, 200] {
        var samples = Networks.samples(200, of: 3, seed: 2)
        for row in 0..<rows { samples[row] = [samples[row][0], value, -value] }
        for network in networks {
          for percentile in [99.0, 100] {
            let options = QuantizerOptions(percentile: percentile)
            let told = Self.outcome(of: network, Calibration(samples: samples), options)
            #expect(told == "" || abs(value) >= 1e15, "\(network.name), \(value): \(told)")
          }
        }
      }
    }
  }

  /// Empty when a snapshot came of it, whose report and file can be written; else the refusal.
  private static func outcome(
    of network: Network, _ calibration: Calibration, _ options: QuantizerOptions
  ) -> String {
    do throws(SnapshotError) {
      let snapshot = try Quantizer(options).quantize(network, calibration)
      let report = try AccuracyReport(snapshot, network, calibration)
      let file = try SnapshotFile(snapshot)
      _ = try BundleManifest(file, report: report, programs: [], programsNote: nil).data()
      return ""
    } catch {
      return error.message
    }
  }
}
