import CMedullaNF
import DatapathCases
import Glibc
import MedullaBase
import MedullaNF
import Testing

@Suite(
  "Rules of the demultiplexer in the kernel", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelRulesTests {
  private static let names = ["exact", "prefix", "tagged", "ether", "six", "web", "rest"]

  private static func prefix(_ bytes: [UInt8], _ length: Int) -> AddressPrefix? {
    AddressPrefix(bytes: bytes, length: length)
  }

  private static let rules: [DemultiplexerRule] = {
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

  private typealias Case = (change: @Sendable (inout TestFrame) -> Void, rule: Int?)

  private static func four(_ source: UInt32, _ destination: UInt32) -> TestFrame.Network {
    .four(source: source, destination: destination)
  }

  /// nil: the kernel's.
  private static let cases: [Case] = [
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

  @Test("each frame goes to the first rule that matches it, stamped with its number and the time")
  func first() throws {
    let functions = Self.names.map { name in
      var function = ChainFunction(name: name)
      function.quota = 256
      return function
    }
    let settings = ChainCase.settings(functions, entries: []) { $0.rules = Self.rules }
    let chain = try ChainCase(settings)
    let threads = Self.names.map { FunctionThread(chain.path, $0, verdict: { _ in .release }) }
    #expect(chain.isPresent(Self.names))
    for (index, item) in Self.cases.enumerated() {
      let before = threads.map(\.count)
      let report = try #require(chain.report)
      var frame = TestFrame(number: index)
      item.change(&frame)
      let begun = MonotonicClock.nanoseconds
      #expect(try chain.send([frame, frame, frame]) == 3)
      let after = try #require(chain.settled(sent: 3 * (index + 1)))
      let ended = MonotonicClock.nanoseconds
      for (number, thread) in threads.enumerated() {
        let new = thread.seen.dropFirst(before[number])
        #expect(new.count == (item.rule == number + 1 ? 3 : 0), "case \(index) at \(Self.names[number])")
        #expect(new.allSatisfy { $0.rule == item.rule && (begun...ended).contains($0.nanoseconds) })
      }
      #expect(after.unmatched - report.unmatched == (item.rule == nil ? 3 : 0), "case \(index)")
    }
    chain.stop()
    threads.forEach { $0.end() }
  }

  @Test("frames that are cut in their link header are counted and are the kernel's")
  func malformed() throws {
    let settings = ChainCase.settings([ChainFunction(name: "all")], entries: []) {
      $0.rules = [DemultiplexerRule(function: "all")]
    }
    let chain = try ChainCase(settings)
    let function = FunctionThread(chain.path, "all")
    #expect(chain.isPresent(["all"]))
    let cut: [[UInt8]] = [[0x81, 0], [0x88, 0xa8], [0x81, 0, 0, 1, 0x81, 0]].map {
      [UInt8](repeating: 2, count: 12) + $0
    }
    #expect(try chain.pair.send(3, on: 0) { cut[$0] } == 3)
    let report = try #require(chain.settled(sent: 3))
    #expect(report.malformed == 3 && report.delivered == 0)
    chain.stop()
    function.end()
    #expect(function.count == 0)
  }
}
