import Foundation
import MedullaBase
import MedullaCodegen
import MedullaDatapath
import MedullaKernel
import MedullaModel
import MedullaSnapshot
import TestbedLink

/// How long one prediction takes in the kernel, and by asking a user process in different ways.
///
/// The user process is C with the snapshot compiled in, and every answer is compared with the interpreter's.
/// Where a kernel module would ask (netlink, pipe, event counter), a process asks: its question's system call
/// is in the time. Times of the kernel's own inference hold the set-up of a test run, which the cell of the
/// empty program measures.
package final class LatencyComparison {
  /// Questions for one cell; one sleeps for a pause each.
  package static let countRange = 1...1_000_000
  private static let patience = Duration.seconds(60)

  private let object: BPFObject
  private let program: String
  private let count: Int
  private let pauseMicroseconds: Int

  /// Compiles and loads what is measured; nothing is attached.
  ///
  /// - Parameters:
  ///   - count: samples of each cell.
  ///   - pause: before each question, in which the user process falls asleep; at most a second.
  package init(count: Int, pause: Duration = .microseconds(50)) throws {
    let microseconds = pause.nanoseconds / 1000
    guard Self.countRange.contains(count), (0...1_000_000).contains(microseconds) else {
      throw TestbedError(
        .badParameter, "\(count) samples with pauses of \(pause) cannot be measured.",
        remedy: "Take 1 to \(Self.countRange.upperBound) samples and pauses of at most a second.")
    }
    self.count = count
    pauseMicroseconds = Int(microseconds)
    let snapshot = try Self.flowSizePredictor()
    let datapath = try DatapathSnapshot(SnapshotFile(snapshot), name: "latency", objects: [:])
    let question = Self.question(of: snapshot)
    var sources = BaselineSources.latencyProgram
    sources["shape.h"] = try datapath.header
    object = try BPFObject(
      bytes: BPFCompiler().object(source: "latency.bpf.c", files: sources), name: "latency")
    try object.load()
    try object.loadedMap("medulla_slots").set(words: datapath.image, at: 0)
    try object.loadedMap("live_features").set(words: question.features, at: 0)
    var files = BaselineSources.latencyWays
    let native = NativeProgram(shape: snapshot.shape)
    files["shape.h"] = native.text
    files["network.h"] = native.definition(of: snapshot, named: "network")
    files["question.h"] = Self.header(question)
    program = try NativeCompiler(clang: .find()).program(
      source: "latency_ways.c", files: files, options: ["-O3", "-march=native"])
    try checkKernel(question.expected)
  }

  deinit { try? FileManager.default.removeItem(atPath: program) }

  /// Measures one cell with asker and answerer on given processors.
  ///
  /// - Throws: `processFailed` when an answer is wrong or a processor does not exist.
  package func measure(
    _ cell: LatencyCell, asker: Int = 0, other: Int = 1
  ) throws -> LatencySeries {
    var arguments = [
      program, cell.way == .emptyProgram ? LatencyCell.Way.kernel.rawValue : cell.way.rawValue,
      cell.end.rawValue, "\(count)", "\(pauseMicroseconds)", "\(asker)",
      "\(cell.sharesProcessor ? asker : other)",
    ]
    switch cell.way {
    case .kernel: arguments.append(try identifier("medulla_live"))
    case .emptyProgram: arguments.append(try identifier("latency_empty"))
    case .ringBuffer, .pollingRing:
      // A ring that an earlier answerer has left holds nothing, but the numbers of questions go on.
      try object.loadedMap("latency_numbers").clear(at: 0)
      arguments += [
        try identifier("latency_ask"), "\(try object.loadedMap("latency_questions").identifier)",
        "\(try object.loadedMap("latency_answers").identifier)",
      ]
    case .netlink, .pipe, .eventCounter: break
    }
    // A pause takes up to 60 µs longer than asked for, and on a busy machine far longer.
    let limit = Self.patience + .microseconds(count * (pauseMicroseconds + 1_000))
    let outcome = try ChildProcess.run(arguments, within: limit)
    guard outcome.output.count == 4 * count else {
      throw TestbedError(
        .unreadableReport, "\(cell.way.rawValue) gave \(outcome.output.count / 4) samples, not \(count).",
        remedy: "Run again; report this if it comes back.")
    }
    let samples = outcome.output.withUnsafeBytes { raw in
      (0..<count).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
    }
    return LatencySeries(cell: cell, nanoseconds: samples)
  }

  private func identifier(_ program: String) throws -> String {
    "\(try object.loadedProgram(program).facts().identifier)"
  }

  /// The kernel must give the interpreter's answer before its time counts.
  private func checkKernel(_ expected: [Int64]) throws {
    let run = try object.loadedProgram("medulla_live").testRun()
    let answer = try MappedMap(object.loadedMap("live_outputs")).words(at: 0, count: expected.count)
    guard run.result == 0, answer == expected else {
      throw TestbedError(
        .processFailed, "The kernel gives \(answer), the interpreter \(expected).",
        remedy: "The two runtimes of one snapshot disagree; report this.")
    }
  }
}

extension LatencyComparison {
  private typealias Question = (features: [Int64], expected: [Int64])

  /// The middle of each feature's range, and what the interpreter says to it.
  private static func question(of snapshot: Snapshot) -> Question {
    let interpreter = ReferenceInterpreter(snapshot)
    let features = interpreter.fixedPoint(
      snapshot.record.featureRanges.map { Float(($0.low + $0.high) / 2) })
    return (features, interpreter.run(features: features))
  }

  private static func header(_ question: Question) -> String {
    func array(_ name: String, _ words: [Int64], _ size: String) -> String {
      let text = words.map { "(__s64)0x" + String(UInt64(bitPattern: $0), radix: 16) + "ULL" }
      return "static const __s64 \(name)[\(size)] = {\n\t"
        + text.joined(separator: ",\n\t") + ",\n};\n"
    }
    return array("features", question.features, "MEDULLA_INPUTS")
      + array("expected", question.expected, "MEDULLA_OUTPUTS")
  }

  /// A network of FFNN's shape (two hidden layers of 5 with ReLU, a sigmoid at the end) on nine features of a
  /// flow. Its weights are drawn: how long it takes does not depend on them.
  static func flowSizePredictor(seed: UInt64 = 15) throws -> Snapshot {
    var random = SeededGenerator(seed: seed)
    let widths = [9, 5, 5, 1]
    var layers: [Layer] = []
    for (index, (inputs, outputs)) in zip(widths, widths.dropFirst()).enumerated() {
      let scale = 2 / Double(inputs).squareRoot()
      let weights = (0..<inputs * outputs).map { _ in Float((random.unit() * 2 - 1) * scale) }
      let bias = (0..<outputs).map { _ in Float(random.unit() * 0.2) }
      layers.append(.dense(Dense(inputs: inputs, outputs: outputs, weights: weights, bias: bias)))
      layers.append(.activation(index == widths.count - 2 ? .sigmoid : .relu))
    }
    let network = try Network(name: "ffnn", inputShape: TensorShape([widths[0]]), layers: layers)
    let samples = (0..<256).map { _ in (0..<widths[0]).map { _ in Float(random.unit()) } }
    return try Quantizer().quantize(network, Calibration(samples: samples))
  }
}
