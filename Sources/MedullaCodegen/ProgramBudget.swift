import MedullaSnapshot

/// The least that the kernel's verifier will count, estimated from the shape.
///
/// The verifier walks through every turn of every loop and gives up after a million instructions. Branches
/// that it follows apart, and further turns of loops that it need not unroll, come on top (measured: up to 3
/// times unrolled, up to 20 times by `can_loop`), so a shape within this budget may still be refused when it
/// is compiled, by the verifier itself. What is refused here the verifier would refuse: tests hold the
/// estimate below what it walks.
package struct ProgramBudget: Hashable, Sendable {
  /// Instructions of one run: the entry of the features, then each step.
  package let steps: [Int]
  package let imageWords: Int
  package let scratchWords: Int
  private let names: [String]

  /// The verifier's limit (`BPF_COMPLEXITY_LIMIT_INSNS`) less what branches and a function around it take.
  package static let instructionLimit = 900_000
  /// The largest element of a map that holds an image (`KMALLOC_MAX_SIZE`), in 64-bit words.
  package static let imageLimit = (4 << 20) / 8 - 8
  /// The largest element of a per-CPU map (`PCPU_MIN_UNIT_SIZE`), in 64-bit words, less the word before the
  /// working memory (`struct medulla_workspace`: who is busy with it).
  package static let scratchLimit = (32 << 10) / 8 - 1

  /// An arena's 4 GiB, in 64-bit words.
  package static let arenaLimit = 1 << 29

  package var instructions: Int { steps.reduce(0, +) }

  private let options: ProgramOptions

  package init(_ shape: ProgramShape, _ options: ProgramOptions = .standard) {
    self.options = options
    imageWords = ImageLayout(shape).words
    scratchWords = ScratchLayout(shape).words
    names = ["the features"] + shape.steps.enumerated().map { "step \($0) (\($1.kind))" }
    let turns = LoopTurns(options.loops)
    steps =
      [turns.apart(shape.inputs) * Self.featureInstructions]
      + shape.steps.map { Self.instructions(of: $0, turns) }
  }

  /// - Throws: `CodegenError` that names the largest step.
  package func check() throws(CodegenError) {
    let largest = steps.indices.max { steps[$0] < steps[$1] }
    let name = largest.map { "\(names[$0]) alone \(steps[$0])" } ?? ""
    guard instructions <= Self.instructionLimit else {
      throw CodegenError(
        .beyondVerifier,
        "the program would take the verifier about \(instructions) instructions (\(name)), beyond "
          + "\(Self.instructionLimit)",
        remedy:
          "Use fewer or smaller layers in the kernel; in user space it runs as it is (`medulla run-model`).")
    }
    let fits =
      switch options.weights {
      case .mapValue: imageWords <= Self.imageLimit && scratchWords <= Self.scratchLimit
      case .mapChunks: options.chunkWords <= Self.imageLimit && scratchWords <= Self.scratchLimit
      case .arena: imageWords + scratchWords <= Self.arenaLimit
      }
    guard fits else {
      throw CodegenError(
        .beyondMemory,
        "the program needs \(imageWords * 8) bytes of weights and \(scratchWords * 8) of working memory; "
          + "a slot "
          + "holds \(Self.imageLimit * 8) and a processor's memory \(Self.scratchLimit * 8)",
        remedy: "Use smaller layers in the kernel; in user space it runs as it is (`medulla run-model`).")
    }
  }

  private static func instructions(of step: Step, _ turns: LoopTurns) -> Int {
    switch step {
    case .dense(let dense):
      linear(
        LinearBlock(dense), positions: 1, turn: LinearCode.denseTurn(dense.inputs), turns)
    case .convolution(let step):
      linear(
        LinearBlock(step), positions: turns.apart(step.outputHeight) * turns.any(step.outputWidth),
        turn: LinearCode.termsPerTurn, turns)
    case .map(let map): turns.apart(map.count) * (epilogueInstructions + 8)
    case .gather(let gather): turns.any(gather.indices.count) * 2
    case .softmax(let softmax): turns.any(softmax.rows) * turns.any(softmax.length) * 60
    case .argmax(let argmax): turns.any(argmax.inputs) * 8
    case .pad(let pad):
      turns.any(pad.channels * pad.outputHeight * pad.outputWidth) * 8
        + turns.apart(pad.channels) * turns.any(pad.height) * turns.any(pad.width) * 8
    case .pool(let pool):
      turns.apart(pool.channels) * turns.any(pool.outputHeight) * turns.any(pool.outputWidth)
        * (pool.kernel.height * pool.kernel.width * 10 + 40)
    }
  }

  /// One way through a feature's entry.
  private static let featureInstructions = 24
  /// One way through a sum's epilogue.
  private static let epilogueInstructions = 16

  private static func linear(_ block: LinearBlock, positions: Int, turn: Int, _ turns: LoopTurns) -> Int {
    let chunks = turns.apart(block.fullChunks) + (block.remainder > 0 ? 1 : 0)
    let units = turns.apart(block.fullChunks) * Packing.accumulators + block.remainder
    let rounds = block.terms / turn
    let terms =
      rounds > 0
      ? turns.any(rounds) * turn + block.terms % turn : block.terms
    let sums = units * terms * 3 + chunks * (terms + turns.any(rounds) * 8)
    let channels = min(units * block.packing.lanes, block.channels)
    return turns.any(block.groups) * positions * (sums + channels * epilogueInstructions + chunks * 12)
  }
}

/// How many turns of a loop the verifier walks at least.
private struct LoopTurns {
  private let loops: ProgramOptions.Loops

  init(_ loops: ProgramOptions.Loops) {
    self.loops = loops
  }

  /// Of a loop whose turns may each be a call.
  func apart(_ count: Int) -> Int { loops == .unrolled ? count : min(count, Self.walked) }

  /// Of any other loop.
  func any(_ count: Int) -> Int { loops == .canLoop ? min(count, Self.walked) : count }

  /// A loop that is a call or asks `can_loop` is walked until the verifier meets a state that it knows, which
  /// may be after the first turn.
  private static let walked = 1
}
