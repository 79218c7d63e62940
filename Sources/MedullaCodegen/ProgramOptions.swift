/// How a program reaches its weights and runs its loops, beside what its shape says.
///
/// Weights are read through one abstraction (`MEDULLA_WEIGHTS`, `MEDULLA_WEIGHT`), and loops written by one
/// seam (`CSource.loop`), so that the text of a step is the same for all.
package struct ProgramOptions: Hashable, Sendable, Codable {
  /// Where weights lie.
  package enum Weights: String, Hashable, Sendable, Codable, CaseIterable {
    /// One value of an array map holds the image: at most 4 MiB.
    case mapValue
    /// An arena (`BPF_MAP_TYPE_ARENA`, Linux 6.9) holds image and working memory: at most 4 GiB. Function
    /// tables in it are read by sign-extending loads, which arenas have since Linux 6.18.
    case arena
    /// The image is cut into several values of an array map (`ChunkLayout`).
    case mapChunks
  }

  /// What a loop is to the verifier.
  package enum Loops: String, Hashable, Sendable, Codable, CaseIterable {
    /// A bounded `for`, which the verifier walks turn by turn, as if it were unrolled.
    case unrolled
    /// Loops whose turns do not depend on each other call `bpf_loop` (Linux 5.17): walked once.
    case bpfLoop
    /// Every loop asks `can_loop` (`may_goto`, Linux 6.9): walked until its state repeats. The kernel ends
    /// such a program after a quarter of a second without a word, so it says when it has come to its end.
    case canLoop
  }

  package let weights: Weights
  package let loops: Loops
  /// 64-bit words of each map value, when the image is cut.
  package let chunkWords: Int

  package init(
    weights: Weights = .mapValue, loops: Loops = .unrolled, chunkWords: Int = ProgramBudget.imageLimit
  ) {
    self.weights = weights
    self.loops = loops
    self.chunkWords = chunkWords
  }

  /// Weights in a map value, loops that the verifier walks.
  package static let standard = ProgramOptions()

  /// Whether an inference may end before its outputs are complete, and so says when they are.
  package var marksCompletion: Bool { weights == .mapChunks || loops == .canLoop }

  /// - Throws: `unsupportedOptions`.
  func check() throws(CodegenError) {
    // A pointer into a map value that moves each turn is another state each turn, up to the last.
    guard loops != .canLoop || weights == .arena else {
      throw CodegenError(
        .unsupportedOptions, "loops by can_loop need weights in an arena",
        remedy: "Use an arena, or bpf_loop with map values.")
    }
  }
}
