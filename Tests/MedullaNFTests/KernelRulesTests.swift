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
  @Test("each frame goes to the first rule that matches it, stamped with its number and the time")
  func first() throws {
    let functions = RuleCases.names.map { name in
      var function = ChainFunction(name: name)
      function.quota = 256
      return function
    }
    let settings = ChainCase.settings(functions, entries: []) { $0.rules = RuleCases.rules }
    let chain = try ChainCase(settings)
    let threads = RuleCases.names.map { FunctionThread(chain.path, $0, verdict: { _ in .release }) }
    #expect(chain.isPresent(RuleCases.names))
    for (index, item) in RuleCases.all.enumerated() {
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
        #expect(new.count == (item.rule == number + 1 ? 3 : 0), "case \(index) at \(RuleCases.names[number])")
        #expect(new.allSatisfy { $0.rule == item.rule && (begun...ended).contains($0.nanoseconds) })
      }
      #expect(after.unmatched - report.unmatched == (item.rule == nil ? 3 : 0), "case \(index)")
    }
    chain.stop()
    threads.forEach { $0.end() }
  }

  @Test("of random frames each goes where the host's own look at the rules says", arguments: [1, 2])
  func agreement(_ seed: UInt64) throws {
    var settings = ChainCase.settings(
      RuleCases.names.map { ChainFunction(name: $0) }, entries: []
    ) { $0.rules = RuleCases.rules }
    for index in settings.functions.indices { settings.functions[index].quota = 2_000 }
    let table = RuleTable(settings)
    var generator = SeededGenerator(seed: seed)
    let frames = (0..<1_500).map { _ in RuleCases.random(&generator) }
    let chain = try ChainCase(settings)
    let threads = RuleCases.names.map { FunctionThread(chain.path, $0, verdict: { _ in .release }) }
    #expect(chain.isPresent(RuleCases.names))
    #expect(try chain.pair.send(frames.count, on: 0, tries: 20_000) { frames[$0] } == frames.count)
    let report = try #require(chain.settled(sent: frames.count))
    chain.stop()
    threads.forEach { $0.end() }
    var expected = [Int](repeating: 0, count: RuleCases.rules.count)
    var (unmatched, malformed) = (0, 0)
    for frame in frames {
      switch table.choice(of: frame) {
      case .rule(let number) where number > 0: expected[number] += 1
      case .rule, .none: unmatched += 1
      case .malformed: malformed += 1
      }
    }
    for (number, thread) in threads.enumerated() {
      #expect(thread.count == expected[number + 1], "seed \(seed), \(RuleCases.names[number])")
      #expect(thread.seen.allSatisfy { $0.rule == number + 1 })
    }
    #expect(report.unmatched == unmatched && report.malformed == malformed, "seed \(seed)")
    // Each of them must have been tried.
    #expect(expected.dropFirst().allSatisfy { $0 > 0 } && unmatched > 0 && malformed > 0, "seed \(seed)")
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
