import Foundation
import Glibc
import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("The book of labels after kill -9 and on a full disk")
struct BookFaultTests {
  /// Beside the tests' own program.
  static let writer =
    Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
    .map { $0.deletingLastPathComponent().appendingPathComponent("label-book-writer").path }
    ?? Bundle.main.bundleURL.appendingPathComponent("label-book-writer").path

  static func keeper(_ path: String) throws -> Bookkeeper {
    try Bookkeeper(path: path, classes: 2, budgets: ["paid": AgentBudget(calls: 1e9)])
  }

  @Test("kill -9 at any moment forgets no spending, and no label that was taken")
  func killed() throws {
    let cases = JournalCases()
    let seed = UInt64.random(in: 0 ... .max)
    print("seed of kills: \(seed)")
    var generator = SeededGenerator(seed: seed)
    var known = (calls: 0, labels: 0)
    func read(_ line: String) throws {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      try #require(numbers.count == 2, "\(line)")
      known = (numbers[0], numbers[1])
    }
    for round in 0..<12 {
      let child = try ChildProgram([Self.writer, cases.path])
      for _ in 0..<Int.random(in: 1...40, using: &generator) {
        try read(try #require(try child.readLine(within: .seconds(20)), "round \(round)"))
      }
      usleep(UInt32.random(in: 0...3_000, using: &generator))
      kill(child.identifier, SIGKILL)
      // What it said before it was killed is in the pipe.
      while let line = try child.readLine(within: .seconds(20)) { try read(line) }
      _ = try child.finish(within: .seconds(20))
      let keeper = try Self.keeper(cases.path)
      let calls = keeper.ledger.purses["paid"]?.totalCalls ?? 0
      let labels = keeper.book.counts.labelled
      #expect(calls == known.calls || calls == known.calls + 1, "seed \(seed), round \(round)")
      #expect(labels == known.labels || labels == known.labels + 1, "seed \(seed), round \(round)")
      #expect(keeper.ledger.purses["paid"]?.totalCost == Double(calls) * 0.25)
      #expect(keeper.book[0]?.labels.map(\.label) == [0])
      known = (calls, labels)
    }
    #expect(known.calls > 12)
  }

  @Test("on a full disk labels stop with a reason, what was written stays, and there is no crash")
  func full() throws {
    let cases = JournalCases()
    for bytes in [700, 5_000, 5_001, 5_100, 5_200, 5_300, 20_000] {
      unlink(cases.path)
      let child = try ChildProgram([Self.writer, cases.path, "full", "\(bytes)"])
      let outcome = try child.finish(within: .seconds(30))
      #expect(outcome.status == 0, "\(outcome.errorText)")
      let lines = outcome.outputText.split(separator: "\n").map(String.init)
      try #require(lines.count == 3, "\(lines)")
      #expect(lines[0].contains("labels stop: cannot write") && lines[0].contains("File too large"))
      // A flow that was asked about before is labelled late; nobody new is asked about.
      #expect(lines[1] == "late true asked 0", "\(lines)")
      #expect(lines[2] == "again true recording", "\(lines)")
      let steps = try #require(lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) })
      let keeper = try Self.keeper(cases.path)
      let calls = keeper.ledger.purses["paid"]?.totalCalls ?? 0
      #expect(keeper.cutOff == 0 && calls >= steps + 1 && calls <= steps + 2)
      #expect(keeper.book[0]?.labels.contains { $0.agent == "late" } == true)
      #expect(keeper.book[1 << 20] != nil)
    }
  }
}
