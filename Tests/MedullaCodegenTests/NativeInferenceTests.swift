import InferenceCases
import MedullaSnapshot
import Testing

@testable import MedullaCodegen

@Suite("Generated C, compiled natively", .enabled(if: NativeBuild.clang != nil, "clang is not installed"))
struct NativeInferenceTests {
  static let seed: UInt64 = 20261121

  @Test("the kernel's program gives the reference interpreter's bits, on random inputs and on the extremes")
  func headerMatches() throws {
    for example in try InferenceCase.all(seed: Self.seed) {
      let build = try NativeBuild()
      defer { build.remove() }
      let header = try ProgramHeader(shape: example.snapshot.shape).text
      let outputs = try build.outputs(
        header: header, snapshot: example.snapshot, inputs: example.inputs, options: ["-O1"])
      #expect(outputs == example.expected, "\(example.name), seed \(Self.seed)")
    }
  }

  @Test("plain C of narrow types gives the reference interpreter's bits")
  func nativeMatches() throws {
    for example in try InferenceCase.all(seed: Self.seed + 1) {
      let build = try NativeBuild()
      defer { build.remove() }
      let text = NativeProgram(shape: example.snapshot.shape).text
      let outputs = try build.outputs(
        header: text, snapshot: example.snapshot, inputs: example.inputs, options: ["-O1"])
      #expect(outputs == example.expected, "\(example.name), seed \(Self.seed + 1)")
    }
  }

  @Test("every program compiles for eBPF")
  func compilesForBPF() throws {
    for example in try InferenceCase.all(seed: Self.seed) {
      let build = try NativeBuild()
      defer { build.remove() }
      let object = try build.compileForBPF(header: ProgramHeader(shape: example.snapshot.shape).text)
      #expect(object.count > 500, "\(example.name)")
    }
  }
}
