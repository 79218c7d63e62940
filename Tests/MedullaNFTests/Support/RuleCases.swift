import MedullaBase
import MedullaNF

/// Rules, and frames beside each of their bounds with the number of the rule that has them.
enum RuleCases {
  static let names = ["exact", "prefix", "tagged", "ether", "six", "web", "rest"]

  private static func prefix(_ bytes: [UInt8], _ length: Int) -> AddressPrefix? {
    AddressPrefix(bytes: bytes, length: length)
  }

  static let rules: [DemultiplexerRule] = {
    var rules = names.map { DemultiplexerRule(function: $0) }
    rules[0].destination = prefix([10, 0, 0, 2], 32)
    rules[0].ipProtocol = 17
    rules[0].sourcePorts = 1_000...1_999
    rules[0].destinationPorts = 9_000...9_000
    rules[1].destination = prefix([10, 1, 128, 0], 17)
    rules[2].vlan = .tag(7)
    rules[3].vlan = DemultiplexerRule.VLAN.none
    rules[3].etherType = 0x88b5
    rules[4].source = prefix([0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 12), 33)
    rules[5].ipProtocol = 6
    rules[5].destinationPorts = 80...443
    rules[6].ipProtocol = 17
    rules[6].vlan = DemultiplexerRule.VLAN.none
    var own = DemultiplexerRule(function: nil)
    own.destinationPorts = 53...53
    return [own] + rules
  }()

  typealias Case = (change: @Sendable (inout TestFrame) -> Void, rule: Int?)

  private static func four(_ source: UInt32, _ destination: UInt32) -> TestFrame.Network {
    .four(source: source, destination: destination)
  }

  /// nil: the kernel's.
  static let all: [Case] = [
    (
      {
        $0.network = four(1, 0x0a000002); $0.sourcePort = 1_000; $0.destinationPort = 9_000
      }, 1
    ),
    (
      {
        $0.network = four(1, 0x0a000002); $0.sourcePort = 1_999; $0.destinationPort = 9_000
      }, 1
    ),
    // Beside each bound it is the last rule's.
    (
      {
        $0.network = four(1, 0x0a000002); $0.sourcePort = 999; $0.destinationPort = 9_000
      }, 7
    ),
    (
      {
        $0.network = four(1, 0x0a000002); $0.sourcePort = 2_000; $0.destinationPort = 9_000
      }, 7
    ),
    (
      {
        $0.network = four(1, 0x0a000003); $0.sourcePort = 1_000; $0.destinationPort = 9_000
      }, 7
    ),
    (
      {
        $0.network = four(1, 0x0a000002); $0.sourcePort = 1_000; $0.destinationPort = 9_001
      }, 7
    ),
    ({ $0.network = four(1, 0x0a018000) }, 2),
    (
      {
        $0.network = four(1, 0x0a01ffff); $0.ipProtocol = 6
      }, 2
    ),
    ({ $0.network = four(1, 0x0a017fff) }, 7),
    ({ $0.network = four(1, 0x0a020000) }, 7),
    // The first that matches, though a later one does too; and the kernel's own before all.
    (
      {
        $0.network = four(1, 0x0a018001); $0.tags = [7]
      }, 2
    ),
    (
      {
        $0.network = four(1, 0x0a018001); $0.destinationPort = 53
      }, nil
    ),
    ({ $0.tags = [7] }, 3),
    (
      {
        $0.tags = [7]; $0.network = .none(etherType: 0x88b5)
      }, 3
    ),
    ({ $0.tags = [7, 9] }, 3),
    // The outer tag counts; its priority does not.
    ({ $0.tags = [9, 7] }, nil),
    ({ $0.tags = [0xe007] }, 3),
    ({ $0.tags = [8] }, nil),
    ({ $0.network = .none(etherType: 0x88b5) }, 4),
    ({ $0.network = .none(etherType: 0x88b6) }, nil),
    (
      {
        $0.network = .six(source: [0x20, 0x01, 0x0d, 0xb8, 0x7f], destination: [1]); $0.ipProtocol = 6
      }, 5
    ),
    (
      {
        $0.network = .six(source: [0x20, 0x01, 0x0d, 0xb8, 0x80], destination: [1]); $0.ipProtocol = 6
      }, nil
    ),
    ({ $0.network = .six(source: [0x20, 0x01, 0x0d, 0xb8, 0x80], destination: [1]) }, 7),
    (
      {
        $0.ipProtocol = 6; $0.destinationPort = 80
      }, 6
    ),
    (
      {
        $0.ipProtocol = 6; $0.destinationPort = 443
      }, 6
    ),
    (
      {
        $0.ipProtocol = 6; $0.destinationPort = 444
      }, nil
    ),
    (
      {
        $0.network = .six(source: [1], destination: [2]); $0.ipProtocol = 6; $0.destinationPort = 443
      }, 6
    ),
  ]

  /// A frame near some rule, whole, cut or with a byte changed.
  static func random(_ generator: inout SeededGenerator) -> [UInt8] {
    func pick<Value>(_ values: [Value]) -> Value {
      values[Int.random(in: values.indices, using: &generator)]
    }
    var frame = TestFrame(number: Int.random(in: 0..<1 << 20, using: &generator))
    frame.network = pick([
      TestFrame.addresses, four(1, 0x0a00_0002), four(1, 0x0a01_8000), four(1, 0x0a01_7fff),
      .six(source: [0x20, 0x01, 0x0d, 0xb8, 0x7f], destination: [1]), .six(source: [1], destination: [2]),
      .none(etherType: 0x88b5), .none(etherType: 0x88b6),
    ])
    frame.ipProtocol = pick([6, 17, 17, 1, 44])
    frame.sourcePort = pick([999, 1_000, 1_999, 2_000])
    frame.destinationPort = pick([53, 79, 80, 443, 444, 9_000])
    frame.tags = pick([[], [], [], [7], [8], [7, 9], [9, 7]])
    frame.size = Int.random(in: 60...200, using: &generator)
    var bytes = frame.bytes
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: bytes = Array(bytes.prefix(Int.random(in: 14...70, using: &generator)))
    case 1:
      let place = Int.random(in: 12..<60, using: &generator)
      bytes[place] = UInt8.random(in: 0...255, using: &generator)
    default: break
    }
    return bytes
  }
}
