import CMedullaABI
import MedullaFlows

/// What a classifier's sample says of its flow, beside features and outputs.
package struct ClassifierOutcome: Sendable, Equatable {
  /// The class that the network gave, by its place among the network's; nil: it was unsure.
  package let row: Int?
  /// In the outputs' fixed point.
  package let margin: Int64
  /// So far, in both directions.
  package let packets: UInt64
  package let bytes: UInt64
  /// Four bytes of IPv4, sixteen of IPv6; of the flow's first packet.
  package let source: [UInt8]
  package let destination: [UInt8]
  package let sourcePort: UInt16
  package let destinationPort: UInt16
  /// The number of the protocol over IP.
  package let transport: UInt8

  /// - Parameter words: of a sample (`Classifier.outcomes`); nil for those that are none.
  package init?(_ words: [Int64]) {
    guard words.count >= Int(CLASSIFIER_OUTCOMES.rawValue) else { return nil }
    func word(_ outcome: classifier_outcome) -> Int64 { words[Int(outcome.rawValue)] }
    let ports = UInt64(bitPattern: word(CLASSIFIER_OUTCOME_PORTS))
    let version = UInt8(truncatingIfNeeded: ports >> 16)
    guard version == 4 || version == 6 else { return nil }
    let row = Int(clamping: word(CLASSIFIER_OUTCOME_CLASS))
    self.row = (0..<Int(CLASSIFIER_CLASSES)).contains(row) ? row : nil
    margin = word(CLASSIFIER_OUTCOME_MARGIN)
    packets = UInt64(bitPattern: word(CLASSIFIER_OUTCOME_PACKETS))
    bytes = UInt64(bitPattern: word(CLASSIFIER_OUTCOME_BYTES))
    source = Self.address(
      word(CLASSIFIER_OUTCOME_SOURCE), word(CLASSIFIER_OUTCOME_SOURCE_PREFIX), version)
    destination = Self.address(
      word(CLASSIFIER_OUTCOME_DESTINATION), word(CLASSIFIER_OUTCOME_DESTINATION_PREFIX), version)
    sourcePort = UInt16(truncatingIfNeeded: ports >> 48)
    destinationPort = UInt16(truncatingIfNeeded: ports >> 32)
    transport = UInt8(truncatingIfNeeded: ports >> 24)
  }

  /// The kernel has loaded the bytes as they lie in memory.
  private static func address(_ last: Int64, _ first: Int64, _ version: UInt8) -> [UInt8] {
    func bytes(_ word: Int64) -> [UInt8] { withUnsafeBytes(of: word) { Array($0) } }
    return version == 4 ? Array(bytes(last).prefix(4)) : bytes(first) + bytes(last)
  }
}

extension ClassifierOutcome: CustomStringConvertible {
  /// Who with whom: `10.0.0.1:1001 > 10.0.0.2:443 (6)`, with the number of the protocol.
  package var description: String {
    "\(end(source, sourcePort)) > \(end(destination, destinationPort)) (\(transport))"
  }

  private func end(_ address: [UInt8], _ port: UInt16) -> String {
    let text = AddressText.text(address)
    return address.count == 4 ? "\(text):\(port)" : "[\(text)]:\(port)"
  }
}
