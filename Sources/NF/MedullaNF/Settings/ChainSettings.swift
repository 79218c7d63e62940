import CMedullaNF

/// A chain of network functions over one interface: what a chain file says.
package struct ChainSettings: Sendable, Equatable {
  /// Who receives and sends frames.
  package enum Engine: Sendable, Equatable {
    /// The kernel, by AF_XDP.
    case xdp
    /// DPDK's drivers, in the host's process.
    case dpdk(DPDKSettings)
  }

  /// At most 31 bytes; also the name of its socket.
  package var name: String
  /// Whose frames are demultiplexed.
  package var interface: String
  /// Further interfaces that frames are only sent to.
  package var outputs: [String] = []
  package var memory = MemorySettings()
  package var mode = PollMode.yield
  package var functions: [ChainFunction] = []
  /// In order: the first that matches says whose a frame is.
  package var rules: [DemultiplexerRule] = []
  /// Of the classifier that rules name; must be there where one does.
  package var classifier: ClassifierPins?
  package var engine = Engine.xdp
  /// Whether stamps say when frames were received, which costs a clock read for each.
  package var knowsTime = true

  package init(name: String, interface: String) {
    self.name = name
    self.interface = interface
  }

  /// The rules with the numbers of functions.
  var ruleEntries: [nf_rule] {
    rules.map { rule in
      let number = functions.firstIndex { $0.name == rule.function }
      return rule.entry(function: number.map(UInt32.init) ?? NF_NO_FUNCTION)
    }
  }
}

package struct MemorySettings: Sendable, Equatable {
  package enum Pages: String, Sendable, CaseIterable, Codable {
    /// Huge pages where enough are free, else normal ones, and the report says which.
    case prefer
    /// Huge pages, or the chain does not start.
    case require
    case no
  }

  package static let frameSizes = [2_048, 4_096]
  package static let frameRange = 256...(1 << 20)

  /// Frames in packet memory.
  package var frames = 16_384
  /// Bytes of a frame, headroom of 294 included.
  package var frameBytes = 2_048
  package var hugePages = Pages.prefer

  package init() {}
}

/// How a host and its functions wait for frames.
package enum PollMode: String, Sendable, CaseIterable, Codable {
  /// Never gives the processor away: the shortest delay, and a whole core each.
  case spin
  /// Gives it away whenever nothing is there.
  case yield
  /// Sleeps when nothing has come for a while, and is woken.
  case sleep

  var number: UInt32 {
    switch self {
    case .spin: 0
    case .yield: 1
    case .sleep: 2
    }
  }
}
