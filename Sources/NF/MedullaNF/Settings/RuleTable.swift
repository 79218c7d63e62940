import CMedullaNF

/// The rules of a chain, asked in this process as the demultiplexer asks them in the kernel.
package struct RuleTable: Sendable {
  /// Whose a frame is.
  package enum Choice: Hashable, Sendable {
    /// The first rule that matches it.
    case rule(Int)
    case none
    /// It is cut in its link header.
    case malformed
  }

  private let rules: [nf_rule]

  package init(_ settings: ChainSettings) { rules = settings.ruleEntries }

  package func choice(of frame: [UInt8]) -> Choice {
    let descriptor = [nf_describe(0, UInt32(frame.count), 0)]
    var chosen: UInt32 = 0
    nf_choose_rules(rules, UInt32(rules.count), frame, descriptor, 1, &chosen)
    switch chosen {
    case NF_CUT_FRAME: return .malformed
    case NF_NO_RULE: return .none
    default: return .rule(Int(chosen))
    }
  }
}
