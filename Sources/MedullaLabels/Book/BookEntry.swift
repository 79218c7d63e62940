import Foundation

/// One thing that happened, as the journal has it: the book and the ledger follow from these, in their order.
///
/// Times are nanoseconds since the Unix epoch: they go on when the machine has started anew.
package enum BookEntry: Sendable, Equatable, Codable {
  case asked(flow: ChosenFlow, at: Int64)
  case labelled(label: Label, at: Int64)
  /// What was learned from, or is no longer of use.
  case closed(samples: [UInt64], at: Int64)
  /// Before the call that it pays.
  case spent(agent: String, calls: Int, cost: Double, at: Int64)
  /// Of a journal that was rewritten: what the entries before came to.
  case purse(agent: String, kept: AgentPurse.Kept)
  case counts(BookCounts)
  /// Samples that are no longer open, oldest first.
  case gone(samples: [UInt64])
}

extension BookEntry {
  /// One line of JSON, without its newline.
  func line() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = Self.encodedNumbers
    return try encoder.encode(self)
  }

  init(line: Data) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self = try decoder.decode(BookEntry.self, from: line)
  }

  private static let encodedNumbers = JSONEncoder.NonConformingFloatEncodingStrategy.convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
}
