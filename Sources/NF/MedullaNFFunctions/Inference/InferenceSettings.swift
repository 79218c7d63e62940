import MedullaAccelerators
import MedullaBase
import MedullaEngines
import MedullaNF
import MedullaPayload

/// What a function that infers over objects is told: the options of `kind: inference`.
package struct InferenceSettings {
  /// What becomes of an object's answer.
  package enum Answers: String, CaseIterable, Sendable {
    /// A line of JSON in a file.
    case file
    /// A datagram back to who sent the object, which needs a writable packet memory.
    case network
    case none
  }

  package static let deadlineRange = 1...600_000
  package static let boundRange = 1...60_000

  package var model: String
  package var engine: String
  package var threads: Int?
  package var isReducedPrecision = false
  package var accelerator: String
  package var policy: TransferPolicy
  package var isCutThrough: Bool
  package var tensors: Int
  /// Objects of 8-bit values are widened by this.
  package var conversion: ByteConversion?
  /// Nanoseconds from an object's first packet in which it must be whole.
  package var deadline: UInt64
  package var objectLimit: Int
  /// The longest that an admitted object may wait for the engine, in nanoseconds; nil: all are admitted.
  package var bound: UInt64?
  package var answers: Answers
  package var file: String
  /// How many of the largest outputs an answer has.
  package var top: Int

  /// - Throws: `badSettings` with the option that cannot be.
  package init(_ options: FunctionOptions) throws(NFError) {
    model = try options.requiredString("model")
    engine = try options.string("engine") ?? "onnxruntime"
    threads = try options.integer("threads", in: 1...1_024)
    isReducedPrecision = try options.boolean("reduced_precision") ?? false
    accelerator = try options.string("accelerator") ?? "cpu"
    policy = try options.word("policy", TransferPolicy.allCases) ?? .pull
    isCutThrough = try options.boolean("cut_through") ?? true
    tensors = try options.integer("tensors", in: 1...ObjectSchedule.Settings.tensorLimit) ?? 2
    if let scale = try options.number("byte_scale", in: -1e6...1e6) {
      conversion = ByteConversion(
        scale: Float(scale), bias: Float(try options.number("byte_bias", in: -1e6...1e6) ?? 0))
    }
    deadline = UInt64(try options.integer("deadline_ms", in: Self.deadlineRange) ?? 1_000) * 1_000_000
    objectLimit = try options.integer("objects", in: 1...65_536) ?? 64
    bound = try options.integer("bound_ms", in: Self.boundRange).map { UInt64($0) * 1_000_000 }
    answers = try options.word("answers", Answers.allCases) ?? .file
    file = try options.string("file") ?? "answers.jsonl"
    top = try options.integer("top", in: 1...1_000) ?? 5
  }
}
