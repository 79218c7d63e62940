import Foundation
import InferenceCases
import MedullaBase
import MedullaKernel
import MedullaModel
import MedullaSnapshot
import Testing

@testable import MedullaCodegen

/// Where this machine can run what a test needs.
enum ProgramHost {
  static let reason: Comment = "needs root, clang and Linux 6.9 with an eBPF compiler for arenas"

  static let runsArenas: Bool = {
    if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1" { return true }
    var names = utsname()
    guard geteuid() == 0, KernelBuild.clang != nil, uname(&names) == 0 else { return false }
    let release = withUnsafeBytes(of: names.release) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    return KernelVersion(release).map { $0 >= KernelVersion(major: 6, minor: 9) } ?? false
  }()
}

@Suite("Program options", .serialized)
struct ProgramOptionsTests {
  static let seed: UInt64 = 20_261_128
  /// One of every kind of step and loop.
  static let names = [
    "aurora W8A16", "eleven wide W8A8", "fan-in 1024 W8A16", "largest dense W8A16", "clip inside W16A16",
    "grouped convolution W8A16", "padded convolution W8A16", "deep convolution W8A8", "average pool W8A16",
    "softmax inside W8A16", "image classifier W8A16",
  ]

  static func examples() throws -> [InferenceCase] {
    let all = try InferenceCase.all(seed: seed)
    return try names.map { name in try #require(all.first { $0.name == name }, "\(name)") }
  }

  /// Every way for a shape, with chunks so small that the image needs several.
  static func ways(_ shape: ProgramShape) -> [ProgramOptions] {
    let small = stride(from: 64, to: 1 << 19, by: 64).first {
      (try? ChunkLayout(shape, chunkWords: $0)) != nil
    }
    let chunks = small ?? ProgramBudget.imageLimit
    return [
      ProgramOptions(loops: .bpfLoop), ProgramOptions(weights: .mapChunks, chunkWords: chunks),
      ProgramOptions(weights: .mapChunks, loops: .bpfLoop, chunkWords: chunks),
      ProgramOptions(weights: .arena, loops: .canLoop), ProgramOptions(weights: .arena, loops: .bpfLoop),
    ]
  }

  @Test(
    "however a program reaches its weights and loops, the kernel gives the reference interpreter's bits",
    .enabled(if: ProgramHost.runsArenas, ProgramHost.reason))
  func kernel() throws {
    for example in try Self.examples() {
      for options in Self.ways(example.snapshot.shape) {
        let program = try KernelProgram(example.snapshot, options)
        for (features, expected) in zip(example.inputs, example.expected) {
          let run = try program.run(features)
          #expect(run.isComplete, "\(example.name) \(options)")
          #expect(run.outputs == expected, "\(example.name) \(options), seed \(Self.seed)")
        }
      }
    }
  }

  @Test("compiled natively the text gives the same bits", .enabled(if: KernelBuild.clang != nil, "no clang"))
  func native() throws {
    for example in try Self.examples() {
      for options in Self.ways(example.snapshot.shape) where options.weights != .mapChunks {
        let build = try KernelBuild()
        defer { build.remove() }
        let header = try ProgramHeader(shape: example.snapshot.shape, options: options).text
        let outputs = try build.outputs(
          header: header, snapshot: example.snapshot, inputs: example.inputs, options: ["-O1"])
        #expect(outputs == example.expected, "\(example.name) \(options), seed \(Self.seed)")
      }
    }
  }

  @Test(
    "a layer beyond the verifier and a map value runs by bpf_loop over chunks, and by can_loop in an arena",
    .enabled(if: ProgramHost.runsArenas, ProgramHost.reason))
  func large() throws {
    var generator = SeededGenerator(seed: Self.seed)
    let network = try Network(
      name: "large", inputShape: TensorShape([1024]),
      layers: [.dense(ImageNetwork.dense(1024, 1100, using: &generator)), .activation(.relu)])
    let samples = (0..<4).map { _ in (0..<1024).map { _ in Float(generator.unit() * 2 - 1) } }
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
      network, Calibration(samples: samples))
    #expect(throws: CodegenError.self) { try ProgramHeader(shape: snapshot.shape) }
    let interpreter = ReferenceInterpreter(snapshot)
    let features = interpreter.fixedPoint(samples[0])
    let expected = interpreter.run(features: features)
    for options in [
      ProgramOptions(weights: .mapChunks, loops: .bpfLoop), ProgramOptions(weights: .arena, loops: .canLoop),
    ] {
      let program = try KernelProgram(snapshot, options)
      let run = try program.run(features)
      #expect(run.isComplete && run.outputs == expected, "\(options), seed \(Self.seed)")
      let walked = try program.verifiedInstructions
      #expect(ProgramBudget(snapshot.shape, options).instructions <= walked, "\(options)")
      // Loops are walked once, not once for each of 1.1 million multiplications, which the verifier would
      // refuse.
      #expect(walked < 1024 * 1100 / 10, "\(options) has the verifier walk \(walked) instructions")
      // No claim: the first measurement was 37,815, and growth should be seen.
      #expect(walked < 40_000, "\(options) has the verifier walk \(walked) instructions")
    }
  }

  @Test(
    "what the budget estimates, it refuses by: the verifier never walks less",
    .enabled(if: ProgramHost.runsArenas, ProgramHost.reason))
  func estimate() throws {
    for example in try Self.examples() {
      for options in [ProgramOptions.standard] + Self.ways(example.snapshot.shape) {
        let budget = ProgramBudget(example.snapshot.shape, options)
        let walked = try KernelProgram(example.snapshot, options).verifiedInstructions
        #expect(budget.instructions <= walked, "\(example.name) \(options): \(budget.steps)")
      }
    }
  }

  @Test(
    "a program whose time is over does not say that it is complete",
    .enabled(if: ProgramHost.runsArenas, ProgramHost.reason))
  func late() throws {
    let example = try #require(try Self.examples().first)
    let program = try KernelProgram(example.snapshot, ProgramOptions(weights: .arena, loops: .canLoop))
    #expect(try program.run(example.inputs[0]).isComplete)
    #expect(try !program.run(example.inputs[0], program: "late").isComplete)
    #expect(try program.run(example.inputs[0]).isComplete, "and the next one does again")
  }

  @Test("an image in chunks loses no word, and rows of accumulators stay whole")
  func chunks() throws {
    for example in try Self.examples() {
      let shape = example.snapshot.shape
      let image = example.snapshot.image
      for options in Self.ways(shape) where options.weights == .mapChunks {
        let layout = try ChunkLayout(shape, chunkWords: options.chunkWords)
        let ranges = (layout.common + layout.parts.map(\.image)).sorted { $0.lowerBound < $1.lowerBound }
        #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == image.count, "\(example.name)")
        for (range, next) in zip(ranges, ranges.dropFirst()) { #expect(range.upperBound == next.lowerBound) }
        let chunks = layout.chunks(of: image)
        for part in layout.parts {
          #expect(
            Array(chunks[part.chunk][part.offset..<part.offset + part.image.count])
              == Array(image[part.image]))
          #expect(part.firstChannel % (Packing.accumulators * part.block.packing.lanes) == 0)
        }
      }
    }
  }

  @Test("loops by can_loop outside an arena are refused, and so are chunks that hold no row")
  func refused() throws {
    let shape = try #require(try Self.examples().first).snapshot.shape
    let loops = #expect(throws: CodegenError.self) {
      try ProgramHeader(shape: shape, options: ProgramOptions(loops: .canLoop))
    }
    #expect(loops?.code == .unsupportedOptions)
    let chunks = #expect(throws: CodegenError.self) {
      try ProgramHeader(shape: shape, options: ProgramOptions(weights: .mapChunks, chunkWords: 64))
    }
    #expect(chunks?.code == .beyondMemory)
  }
}
