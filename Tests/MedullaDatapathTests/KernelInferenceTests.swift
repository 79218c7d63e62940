import Foundation
import InferenceCases
import MedullaCodegen
import MedullaKernel
import MedullaSnapshot
import Testing

@testable import MedullaDatapath

@Suite(
  "inference in the kernel by test run", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelInferenceTests {
  static let seed: UInt64 = 20_261_121

  @Test("every case of the inference suite gives the reference interpreter's bits", arguments: [seed])
  func suite(seed: UInt64) throws {
    for example in try InferenceCase.all(seed: seed) {
      let file = try SnapshotFile(example.snapshot)
      let kernel = try KernelInference(DatapathSnapshot(file, name: example.name))
      for (features, expected) in zip(example.inputs, example.expected) {
        #expect(try kernel.run(features: features) == expected, "\(example.name), seed \(seed)")
      }
    }
  }

  @Test("an input of the wrong size is refused")
  func wrongSize() throws {
    let kernel = try KernelInference(KernelTestHost.policy(seed: 1).snapshot)
    #expect(throws: DatapathError.self) { try kernel.run(features: [1, 2, 3]) }
  }

  @Test("a program of another shape is refused with what to do")
  func wrongProgram() throws {
    let small = try KernelTestHost.policy(seed: 1, hidden: 12).snapshot
    let large = try KernelTestHost.policy(seed: 1, hidden: 20).snapshot
    let mixed = DatapathSnapshot(
      name: "mixed", inputs: 30, outputs: 1, image: large.image, digest: large.digest, header: large.header,
      objects: [.query: try small.object(of: .query)])
    let error = #expect(throws: DatapathError.self) { try KernelInference(mixed) }
    #expect(error?.code == .badBundle)
  }

  @Test("the native program gives the kernel's bits")
  func native() throws {
    let (snapshot, file) = try KernelTestHost.policy(seed: 3)
    let reference = ReferenceInterpreter(file.snapshot)
    let clang = try ClangInstallation.find()
    let header = NativeProgram(shape: file.snapshot.shape).text
    for tuning in NativeInference.Tuning.allCases {
      let native = try NativeInference(snapshot, header: header, tuning: tuning, clang: clang)
      let features = (0..<30).map { Int64($0 - 9) << 15 }
      #expect(native.run(features: features) == reference.run(features: features))
    }
  }
}

@Suite("compiled programs", .serialized, .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct CompiledProgramTests {
  @Test(
    "compiled twice, in two directories, a program is the same bytes and holds no path",
    arguments: DatapathFunction.allCases)
  func reproducible(function: DatapathFunction) throws {
    let header = try KernelTestHost.policy(seed: 1).snapshot.header
    let compiler = try BPFCompiler()
    let first = try function.object(header: header, compiler: compiler)
    #expect(try function.object(header: header, compiler: compiler) == first)
    let text = String(decoding: first, as: UTF8.self)
    #expect(!text.contains(FileManager.default.temporaryDirectory.path))
    #expect(!text.contains(FileManager.default.currentDirectoryPath))
  }

  @Test("a program keeps its BTF and has no DWARF")
  func stripped() throws {
    let header = try KernelTestHost.policy(seed: 1).snapshot.header
    let object = try DatapathFunction.query.object(header: header, compiler: BPFCompiler())
    let text = String(decoding: object, as: UTF8.self)
    #expect(text.contains(".BTF.ext"))
    #expect(!text.contains(".debug_info"))
  }

  @Test("a bundle's programs are verified, and say how much the verifier walked")
  func verified() throws {
    let snapshot = try KernelTestHost.policy(seed: 1).snapshot
    let programs = try BundlePrograms.build(header: snapshot.header, inputs: 30, outputs: 1)
    #expect(programs.entries.map(\.function) == ["query", "congestion"])
    for entry in programs.entries {
      #expect(try #require(entry.verifiedInstructions) > 0)
      #expect(entry.note == nil)
    }
  }

  @Test("a network of another size gets no congestion program")
  func otherSize() throws {
    #expect(!DatapathFunction.congestion.accepts(inputs: 29, outputs: 1))
    #expect(!DatapathFunction.congestion.accepts(inputs: 30, outputs: 2))
    #expect(DatapathFunction.query.accepts(inputs: 29, outputs: 7))
  }

  @Test("a program that the verifier refuses is an error with the deciding line and the source line")
  func refused() throws {
    var files = EmbeddedSources.files
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
    #expect(error?.reason.contains("invalid mem access") == true)
    #expect(error?.reason.contains("skb->mark") == true)
  }

  @Test("bytes that are no object are refused")
  func noObject() {
    #expect(throws: KernelError.self) { try BPFObject(bytes: [1, 2, 3], name: "none") }
    #expect(throws: KernelError.self) { try BPFObject(bytes: [], name: "none") }
  }
}
