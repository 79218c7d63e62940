import Foundation
import InferenceCases
import MedullaBase
import MedullaModel
import Testing

@testable import MedullaSnapshot

@Suite("Streamed calibration")
struct CalibrationStreamTests {
  @Test("an image network of mini-AlexNet's layers keeps its accuracy at every scheme")
  func imageNetwork() throws {
    let seed: UInt64 = 31
    var generator = SeededGenerator(seed: seed)
    let network = try ImageNetwork.small.network(using: &generator)
    let calibration = Calibration(samples: ImageNetwork.images(10, using: &generator))
    let images = ImageNetwork.images(6, using: &generator)
    let wanted = try images.map { try FloatReference(network).run($0) }
    let reach = Double(wanted.joined().max() ?? 0) - Double(wanted.joined().min() ?? 0)
    let bounds: [QuantizationScheme: Double] = [.w8a8: 0.03, .w8a16: 0.01, .w16a16: 0.0005]
    for (scheme, bound) in bounds {
      let snapshot = try Quantizer(QuantizerOptions(scheme: scheme)).quantize(network, calibration)
      let interpreter = ReferenceInterpreter(snapshot)
      var errors: [Double] = []
      for (image, floats) in zip(images, wanted) {
        errors += zip(interpreter.run(image), floats).map { abs(Double($0) - Double($1)) / reach }
      }
      let mean = errors.reduce(0, +) / Double(errors.count)
      #expect(mean <= bound, "\(scheme) loses \(mean), seed \(seed)")
    }
  }

  @Test("mini-AlexNet sees fewer samples than a small network, and still enough")
  func samplesByWork() throws {
    let large = CalibrationSplit.work / 45_562_624
    #expect((200...300).contains(large))
    var generator = SeededGenerator(seed: 1)
    let small = try ImageNetwork.small.network(using: &generator)
    #expect(CalibrationSplit.limit(for: small) == CalibrationSplit.sampleLimit)
    let samples = ImageNetwork.images(12, using: &generator)
    let split = CalibrationSplit(Calibration(samples: samples), for: small)
    #expect(split.calibration.count + split.heldOut.count == 12)
  }

  @Test("moments of windows that are read one at a time are those of all windows side by side")
  func moments() {
    var generator = SeededGenerator(seed: 8)
    let step = ConvolutionStep(
      inputChannels: 4, height: 6, width: 7, outputChannels: 2, kernel: Extent(height: 3, width: 2),
      strides: Extent(height: 1, width: 2), dilations: Extent(height: 2, width: 1), groups: 2,
      packing: .single, epilogue: Epilogue(shift: 0, function: .identity))
    let samples = (0..<5).map { _ in (0..<168).map { _ in Int64.random(in: -99...99, using: &generator) } }
    for group in 0..<2 {
      let rows = PatchRows(samples: samples, step: step, group: group)
      var all: [[Double]] = []
      for sample in samples {
        for y in 0..<step.outputHeight {
          for x in 0..<step.outputWidth {
            var row: [Double] = []
            for channel in group * 2..<group * 2 + 2 {
              for (ky, kx) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)] {
                row.append(Double(sample[(channel * 6 + y + 2 * ky) * 7 + 2 * x + kx]))
              }
            }
            all.append(row)
          }
        }
      }
      #expect(rows.count == all.count)
      let moments = InputMoments(rows, withCovariance: true)
      for a in 0..<rows.terms {
        let mean = all.reduce(0) { $0 + $1[a] } / Double(all.count)
        #expect(abs(moments.means[a] - mean) < 1e-9)
        for b in 0..<rows.terms {
          let other = all.reduce(0) { $0 + $1[b] } / Double(all.count)
          let covariance = all.reduce(0) { $0 + ($1[a] - mean) * ($1[b] - other) } / Double(all.count)
          #expect(abs(moments.covariance[a * rows.terms + b] - covariance) < 1e-6, "seed 8")
        }
      }
    }
  }

  @Test("a stratified sample takes everything when it fits, else one index of each stretch")
  func stratified() {
    #expect(Array(StratifiedSample(of: 5, limit: 5)) == [0, 1, 2, 3, 4])
    #expect(Array(StratifiedSample(of: 0, limit: 5)) == [])
    let sample = StratifiedSample(of: 1003, limit: 100)
    let indices = Array(sample)
    #expect(indices.count == sample.count && indices.count <= 100)
    for (stretch, index) in indices.enumerated() {
      #expect((stretch * 11..<min(stretch * 11 + 11, 1003)).contains(index))
    }
    #expect(Set(indices.map { $0 % 11 }).count > 5, "places inside the stretches vary")
    #expect(Array(sample) == indices, "and are the same each time")
  }

  @Test("calibrating a convolution keeps no windows: they alone would fill this memory")
  func memory() throws {
    let (channels, side, kernel, samples) = (16, 40, 5, 40)
    var generator = SeededGenerator(seed: 3)
    func draw(_ count: Int) -> [Float] { (0..<count).map { _ in Float(generator.unit() - 0.5) } }
    let terms = channels * kernel * kernel
    let network = try Network(
      name: "windows", inputShape: TensorShape([channels, side, side]),
      layers: [
        .convolution(
          Convolution(
            inputChannels: channels, outputChannels: 1, kernel: Extent(height: kernel, width: kernel),
            weights: draw(terms), bias: [0]))
      ])
    let calibration = Calibration(samples: (0..<samples).map { _ in draw(channels * side * side) })
    let before = try Self.resetPeakMemory()
    _ = try Quantizer().quantize(network, calibration)
    let grown = try Self.peakMemory() - before
    let windows = samples * 4 / 5 * (side - kernel + 1) * (side - kernel + 1) * terms * 8
    #expect(grown < windows / 2, "\(grown) bytes; the windows alone are \(windows)")
  }

  /// Makes the kernel count the largest resident memory anew, and gives what it is now.
  private static func resetPeakMemory() throws -> Int {
    try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    return try peakMemory()
  }

  /// `VmHWM` in bytes.
  private static func peakMemory() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(Int(line.filter(\.isNumber))) * 1024
  }

  @Test("a percentile of a layer's magnitudes is taken from a sample without keeping all of them")
  func percentile() throws {
    let layer = Layer.activation(.relu)
    let network = try Network(name: "wide", inputShape: TensorShape([1 << 16]), layers: [layer])
    var statistics = FloatStatistics(of: network, samples: 20, percentile: 90)
    for _ in 0..<20 { statistics.add([(0..<1 << 16).map { Float($0) }]) }
    let value = statistics.magnitude(after: 0, percent: 90)
    #expect(abs(value / 65536 - 0.9) < 0.01)
  }

  /// MEDULLA_WRITE_LARGE names a folder for the full network and its images, for `medulla compile`.
  @Test(
    "mini-AlexNet is written on demand",
    .enabled(if: ProcessInfo.processInfo.environment["MEDULLA_WRITE_LARGE"] != nil, "not asked to"))
  func write() throws {
    let folder = try #require(ProcessInfo.processInfo.environment["MEDULLA_WRITE_LARGE"])
    var generator = SeededGenerator(seed: 2026)
    let network = try ImageNetwork.miniAlexNet.network(using: &generator)
    #expect(network.parameterCount == 15_483_210 && network.multiplyAccumulates == 45_562_624)
    try ONNXWriter.write(network, to: folder + "/mini-alexnet.onnx")
    try SampleFile.write(ImageNetwork.images(512, using: &generator), to: folder + "/images.npy")
  }
}
