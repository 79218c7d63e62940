import InferenceCases
import MedullaSnapshot
import Testing

@testable import MedullaCodegen

@Suite("Generated C for the kernel", .enabled(if: KernelBuild.clang != nil, "clang is not installed"))
struct KernelBuildTests {
  static let seed: UInt64 = 20_261_121

  @Test("every program compiles for eBPF")
  func compilesForBPF() throws {
    for example in try InferenceCase.all(seed: Self.seed) {
      let build = try KernelBuild()
      defer { build.remove() }
      let object = try build.compileForBPF(header: ProgramHeader(shape: example.snapshot.shape).text)
      #expect(object.count > 500, "\(example.name)")
    }
  }
}
