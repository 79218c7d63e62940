import MedullaSnapshot

/// The least that the kernel's verifier will count, estimated from the shape.
///
/// The verifier walks through every turn of every loop and gives up after a million instructions. Branches
/// that it follows apart come on top (measured: 1.5 to 5 times), so a shape within this budget may still be
/// refused when it is compiled, by the verifier itself.
public struct ProgramBudget: Hashable, Sendable {
  /// Instructions of one run: the entry of the features, then each step.
  public let steps: [Int]
  public let imageWords: Int
  public let scratchWords: Int
  private let names: [String]

  /// The verifier's limit (`BPF_COMPLEXITY_LIMIT_INSNS`) less what branches and a function around it take.
  public static let instructionLimit = 900_000
  /// The largest element of a map that holds an image (`KMALLOC_MAX_SIZE`), in 64-bit words.
  public static let imageLimit = (4 << 20) / 8 - 8
  /// The largest element of a per-CPU map (`PCPU_MIN_UNIT_SIZE`), in 64-bit words.
  public static let scratchLimit = (32 << 10) / 8

  public var instructions: Int { steps.reduce(0, +) }

  public init(_ shape: ProgramShape) {
    imageWords = ImageLayout(shape).words
    scratchWords = ScratchLayout(shape).words
    names = ["the features"] + shape.steps.enumerated().map { "step \($0) (\($1.kind))" }
    steps = [shape.inputs * Self.featureInstructions] + shape.steps.map(Self.instructions)
  }

  /// - Throws: `CodegenError` that names the largest step.
  public func check() throws(CodegenError) {
    let largest = steps.indices.max { steps[$0] < steps[$1] }
    let name = largest.map { "\(names[$0]) alone \(steps[$0])" } ?? ""
    guard instructions <= Self.instructionLimit else {
      throw CodegenError(
        .beyondVerifier,
        "the program would take the verifier about \(instructions) instructions (\(name)), beyond "
          + "\(Self.instructionLimit)",
        remedy: "Use fewer or smaller layers in the kernel, or run this network as a network function.")
    }
    guard imageWords <= Self.imageLimit, scratchWords <= Self.scratchLimit else {
      throw CodegenError(
        .beyondMemory,
        "the program needs \(imageWords * 8) bytes of weights and \(scratchWords * 8) of working memory; "
          + "a slot "
          + "holds \(Self.imageLimit * 8) and a processor's memory \(Self.scratchLimit * 8)",
        remedy: "Use smaller layers in the kernel, or run this network as a network function.")
    }
  }

  private static func instructions(of step: Step) -> Int {
    switch step {
    case .dense(let dense): linear(LinearBlock(dense), positions: 1)
    case .convolution(let convolution):
      linear(LinearBlock(convolution), positions: convolution.outputHeight * convolution.outputWidth)
    case .map(let map): map.count * (epilogueInstructions + 8)
    case .gather(let gather): gather.indices.count * 2
    case .softmax(let softmax): softmax.rows * softmax.length * 60
    case .argmax(let argmax): argmax.inputs * 8
    case .pad(let pad): pad.channels * (pad.outputHeight * pad.outputWidth + pad.height * pad.width) * 8
    case .pool(let pool):
      pool.channels * pool.outputHeight * pool.outputWidth
        * (pool.kernel.height * pool.kernel.width * 10 + 40)
    }
  }

  /// A feature's entry with both ends of its range.
  private static let featureInstructions = 40
  /// A sum's epilogue with both sides of its branches.
  private static let epilogueInstructions = 24

  private static func linear(_ block: LinearBlock, positions: Int) -> Int {
    let chunks = (block.units + Packing.accumulators - 1) / Packing.accumulators
    let turns = block.terms / LinearCode.termsPerTurn
    let sums = block.units * block.terms * 3 + chunks * (block.terms + turns * 8)
    return block.groups * positions * (sums + block.channels * epilogueInstructions + chunks * 12)
  }
}
