import Testing

@testable import MedullaAdaptation

@Suite("The life of an adapter's process")
struct ProcessLifeTests {
  enum Event: Sendable {
    case call(Duration, AdapterLife.Decision)
    case greeted
    case answered(Int)
    case failed(Duration, AdapterLife.Verdict)
    case close
  }

  struct Story: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let events: [Event]
    init(_ name: String, _ events: [Event]) { (testDescription, self.events) = (name, events) }
  }

  static let policy = RestartPolicy(first: .seconds(1), longest: .seconds(3), limit: 5, recovery: 2)

  static let stories = [
    Story(
      "the first call starts it, then it serves",
      [.call(.zero, .start), .greeted, .call(.seconds(1), .serve), .answered(1), .call(.seconds(2), .serve)]),
    Story(
      "while it starts, calls may greet it for what is left of its time",
      [
        .call(.seconds(5), .start), .call(.seconds(7), .greet(within: .seconds(8))),
        .call(.seconds(14), .greet(within: .seconds(1))), .call(.seconds(15), .expire),
      ]),
    Story(
      "a failure refuses calls until the wait is over",
      [
        .call(.zero, .start), .greeted, .failed(.seconds(10), .restart(in: .seconds(1))),
        .call(.milliseconds(10_250), .refuse(for: .milliseconds(750))), .call(.seconds(11), .start),
      ]),
    Story(
      "waits double up to the longest, then it is given up",
      [
        .call(.zero, .start), .failed(.zero, .restart(in: .seconds(1))), .call(.seconds(1), .start),
        .failed(.seconds(1), .restart(in: .seconds(2))), .call(.seconds(3), .start),
        .failed(.seconds(3), .restart(in: .seconds(3))), .call(.seconds(6), .start),
        .failed(.seconds(6), .restart(in: .seconds(3))), .call(.seconds(9), .start),
        .failed(.seconds(9), .giveUp), .call(.seconds(10), .refuseForGood),
        .call(.seconds(9_999), .refuseForGood),
      ]),
    Story(
      "a greeting alone does not begin the count anew",
      [
        .call(.zero, .start), .greeted, .failed(.zero, .restart(in: .seconds(1))), .call(.seconds(1), .start),
        .greeted, .answered(1), .failed(.seconds(1), .restart(in: .seconds(2))),
      ]),
    Story(
      "enough answers in a row do",
      [
        .call(.zero, .start), .greeted, .failed(.zero, .restart(in: .seconds(1))), .call(.seconds(1), .start),
        .greeted, .answered(2), .failed(.seconds(1), .restart(in: .seconds(1))),
      ]),
    Story(
      "answers of two lives do not add up",
      [
        .call(.zero, .start), .greeted, .answered(1), .failed(.zero, .restart(in: .seconds(1))),
        .call(.seconds(1), .start), .greeted, .answered(1), .failed(.seconds(1), .restart(in: .seconds(2))),
      ]),
    Story(
      "nothing wakes a closed one",
      [
        .call(.zero, .start), .close, .greeted, .call(.seconds(1), .refuseForGood),
        .failed(.seconds(1), .giveUp),
        .call(.seconds(100), .refuseForGood),
      ]),
  ]

  @Test("each event has its decision", arguments: stories)
  func decisions(_ story: Story) {
    var life = AdapterLife(policy: Self.policy, startDeadline: .seconds(10))
    for (index, event) in story.events.enumerated() {
      switch event {
      case .call(let now, let decision): #expect(life.call(at: now) == decision, "event \(index)")
      case .greeted: life.greeted()
      case .answered(let count): for _ in 0..<count { life.answered() }
      case .failed(let now, let verdict): #expect(life.failed(at: now) == verdict, "event \(index)")
      case .close: life.close()
      }
    }
  }

  @Test(
    "a wait never passes the longest, whatever the number of failures", arguments: [1, 2, 7, 64, 1 << 40])
  func waits(failures: Int) {
    let policy = RestartPolicy(first: .milliseconds(100), longest: .seconds(60), limit: 8, recovery: 1)
    let wait = policy.wait(after: failures)
    #expect(wait >= .milliseconds(100) && wait <= .seconds(60))
    #expect(failures < 64 || wait == .seconds(60))
  }

  @Test("output comes line by line from any pieces, bounded, without control characters")
  func output() {
    var output = ChildOutput()
    #expect(output.append(Array("one\ntw".utf8)) == ["one"])
    #expect(output.append(Array("o\n\u{1B}[31mred\n".utf8)) == ["two", "?[31mred"])
    #expect(output.append(Array("end".utf8)) == [] && output.end() == ["end"] && output.end() == [])
    #expect(output.tail == ["one", "two", "?[31mred", "end"])
    let flood = output.append(Array(String(repeating: "x\n", count: 10_000).utf8))
    #expect(flood.count == ChildOutput.linesPerCall - 4 && output.tail.count == ChildOutput.keptLines)
    #expect(output.begin() == ["(\(10_004 - ChildOutput.linesPerCall) more lines were left out)"])
    #expect(output.append([UInt8](repeating: 65, count: 10_000)).map(\.count) == [4096, 4096])
  }
}
