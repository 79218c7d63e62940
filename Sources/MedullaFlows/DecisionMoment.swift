/// When a function decides about a flow.
package enum DecisionMoment: Sendable, Equatable, CustomStringConvertible {
  /// At each packet, by what the flow is then.
  case everyPacket
  /// At this packet of the flow's, counted from 1 over both directions, or when it ends before.
  case packet(UInt64)
  /// At its end: when every direction that was seen has sent FIN, or one has sent RST.
  case end

  /// - Returns: nil for anything but `every`, `end` and a number from 1.
  package init?(_ text: String) {
    switch text {
    case "every": self = .everyPacket
    case "end": self = .end
    default:
      guard let number = UInt64(text), (1..<UInt64.max).contains(number) else { return nil }
      self = .packet(number)
    }
  }

  package var description: String {
    switch self {
    case .everyPacket: "every"
    case .packet(let number): String(number)
    case .end: "end"
    }
  }

  /// As the kernel's programs read it.
  package var word: UInt64 {
    switch self {
    case .everyPacket: 0
    case .packet(let number): number
    case .end: .max
    }
  }

  /// Whether a packet that has just been taken in makes it time.
  ///
  /// - Parameter decided: whether the flow has been decided before.
  package func isNow(_ flow: FlowRecord, decided: Bool) -> Bool {
    switch self {
    case .everyPacket: true
    case .packet(let number): !decided && (flow.packets >= number || flow.hasEnded)
    case .end: !decided && flow.hasEnded
    }
  }
}
