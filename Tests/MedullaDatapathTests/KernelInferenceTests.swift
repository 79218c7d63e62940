import DatapathCases
import Foundation
import MedullaBase
import MedullaKernel
import MedullaModel
import MedullaRuntime
import MedullaSnapshot
import Testing

@testable import MedullaCompile
@testable import MedullaCongestion
@testable import MedullaDatapath

@Suite(
  "inference in the kernel by test run", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelInferenceTests {
  @Test("a program of another shape is refused with what to do")
  func wrongProgram() throws {
    let small = try KernelTestHost.policy(seed: 1, hidden: 12).snapshot
    let (large, file) = try KernelTestHost.policy(seed: 1, hidden: 20)
    let shape = SHA256.hash(Array(try large.header.utf8))
    let mixed = try DatapathSnapshot(
      name: "mixed", inputs: 30, outputs: 1, image: large.image, digest: large.digest,
      shape: .header(try large.header),
      objects: [
        "query": CompiledProgram(
          bytes: try small.object(of: .query), sources: ProgramSource.query.digest(for: shape))
      ])
    let error = #expect(throws: DatapathError.self) {
      try KernelInference(mixed, shape: file.snapshot.shape)
    }
    #expect(error?.code == .badBundle)
  }

  /// Counts of cache lines explain the figures: a tiny network has those of the program itself, a large one
  /// its weights' too.
  @Test("cold is far above warm for a large network, near it for a tiny one, and the same when repeated")
  func cold() throws {
    func times(_ inputs: Int, _ outputs: Int) throws -> [ColdTime] {
      var random = SeededGenerator(seed: 1)
      func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in .random(in: -1...1, using: &random) } }
      let layer = Dense(
        inputs: inputs, outputs: outputs, weights: numbers(inputs * outputs), bias: numbers(outputs))
      let float = try Network(name: "layer", inputShape: TensorShape([inputs]), layers: [.dense(layer)])
      let samples = (0..<64).map { _ in numbers(inputs) }
      let network = CompiledNetwork(
        try SnapshotFile(Quantizer().quantize(float, Calibration(samples: samples))), network: float)
      let inference = try KernelRuntime().inference(of: network)
      let row = [Int64](repeating: 1 << 16, count: inputs)
      return try (0..<2).map { _ in try #require(try inference.coldTime(row, runs: 25)) }
    }
    let (tiny, large) = (try times(1, 1), try times(64, 192))
    for (tiny, large) in zip(tiny, large) {
      #expect(large.median > 1.5 * large.warm, "\(large)")
      #expect(large.low <= large.median && large.median <= large.high)
      #expect(2 * (tiny.median - tiny.warm) < large.median - large.warm, "\(tiny) against \(large)")
    }
    // By their intervals: on a shared machine whole runs are slower than others.
    #expect(large[0].low < 1.5 * large[1].high && large[1].low < 1.5 * large[0].high, "\(large)")
  }
}

@Suite("compiled programs", .serialized, .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct CompiledProgramTests {
  @Test(
    "compiled twice, in two directories, a program is the same bytes and holds no path",
    arguments: ["query", "congestion"])
  func reproducible(name: String) throws {
    let header = try KernelTestHost.policy(seed: 1).snapshot.header
    let compiler = try BPFCompiler()
    let program = try #require(FunctionList.all.programs.first { $0.name == name })
    let first = try program.object(header: header, compiler: compiler)
    #expect(try program.object(header: header, compiler: compiler) == first)
    let text = String(decoding: first, as: UTF8.self)
    #expect(!text.contains(FileManager.default.temporaryDirectory.path))
    #expect(!text.contains(FileManager.default.currentDirectoryPath))
  }

  @Test("a program keeps its BTF and has no DWARF")
  func stripped() throws {
    let header = try KernelTestHost.policy(seed: 1).snapshot.header
    let object = try ProgramSource.query.object(header: header, compiler: BPFCompiler())
    let text = String(decoding: object, as: UTF8.self)
    #expect(text.contains(".BTF.ext"))
    #expect(!text.contains(".debug_info"))
  }

  @Test("a bundle's programs are verified, and say how much the verifier walked")
  func verified() throws {
    let programs = try BundlePrograms(KernelTestHost.policy(seed: 1).file)
    #expect(programs.entries.map(\.function) == ["query", "congestion"])
    for entry in programs.entries {
      #expect(try #require(entry.verifiedInstructions) > 0)
      #expect(entry.note == nil)
    }
  }

  @Test("a network of another size gets no congestion program")
  func otherSize() throws {
    for inputs in [30, 50] {
      for outputs in [1, 2] { #expect(CongestionControl.sizes.accepts(inputs: inputs, outputs: outputs)) }
    }
    #expect(!CongestionControl.sizes.accepts(inputs: 29, outputs: 1))
    #expect(!CongestionControl.sizes.accepts(inputs: 30, outputs: 3))
    #expect(ProgramSource.query.sizes.accepts(inputs: 29, outputs: 7))
  }

  @Test("a program that the verifier refuses is an error with the deciding line and the source line")
  func refused() throws {
    var files = EmbeddedSources.headers
    files["bad.bpf.c"] = """
      // SPDX-License-Identifier: GPL-2.0
      #include "kernel_types.h"
      char LICENSE[] SEC("license") = "GPL";
      SEC("tc") int bad(struct __sk_buff *skb)
      {
        return *(int *)(long)skb->mark;
      }
      """
    let bytes = try BPFCompiler().object(source: "bad.bpf.c", files: files)
    let object = try BPFObject(bytes: bytes, name: "bad")
    let error = #expect(throws: KernelError.self) { try object.load() }
    #expect(error?.code == .verifier)
    // As Linux says it, and since 7.3.
    let reasons = ["invalid mem access", "invalid dereference"]
    #expect(reasons.contains { error?.cause.contains($0) == true }, "\(error?.cause ?? "")")
    #expect(error?.cause.contains("skb->mark") == true)
  }

  @Test("bytes that are no object are refused")
  func noObject() {
    #expect(throws: KernelError.self) { try BPFObject(bytes: [1, 2, 3], name: "none") }
    #expect(throws: KernelError.self) { try BPFObject(bytes: [], name: "none") }
  }
}
