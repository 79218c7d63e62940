import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("The book of labels")
struct LabelBookTests {
  static func flow(_ sample: UInt64, probability: Double = 0.5) -> ChosenFlow {
    ChosenFlow(
      LabelRequest(sample: sample, features: [Double(sample), 1]), probability: probability, reason: .random)
  }

  static let limits = BookLimits(flows: 3, age: .seconds(10), labels: 2, gone: 4)

  @Test("a label finds its flow; a second one of its agent, a stranger's and a malformed one do not")
  func verdicts() {
    var book = LabelBook(limits: Self.limits, classes: 2)
    book.ask(Self.flow(7), at: .seconds(1))
    func verdict(_ label: Label) -> LabelVerdict { book.verdict(label, at: .seconds(2)) }
    #expect(verdict(Label(sample: 7, agent: "a", label: 1)) == .kept)
    book.note(Label(sample: 7, agent: "a", label: 1), at: .seconds(2))
    #expect(verdict(Label(sample: 7, agent: "a", label: 0)) == .second)
    #expect(verdict(Label(sample: 8, agent: "a", label: 0)) == .unknown)
    #expect(verdict(Label(sample: 7, agent: "b", label: 2)) == .malformed)
    #expect(verdict(Label(sample: 7, agent: "b", label: -1)) == .malformed)
    #expect(verdict(Label(sample: 7, agent: "b", label: 1, confidence: .nan)) == .malformed)
    #expect(verdict(Label(sample: 7, agent: "b", label: 1, cost: -1)) == .malformed)
    #expect(verdict(Label(sample: 7, agent: "", label: 1)) == .malformed)
    book.note(Label(sample: 7, agent: "b", label: nil), at: .seconds(3))
    #expect(verdict(Label(sample: 7, agent: "c", label: 1)) == .malformed, "as many as there are agents")
    #expect(book[7]?.labels.map(\.label) == [1, nil])
    #expect(book.counts.labelled == 2 && book.counts.abstained == 1)
  }

  @Test("a label after its flow was closed or has expired is late, and one flow is asked about once")
  func late() {
    var book = LabelBook(limits: Self.limits, classes: 2)
    book.ask(Self.flow(1), at: .seconds(1))
    book.ask(Self.flow(2), at: .seconds(2))
    book.close([1], at: .seconds(3))
    #expect(book.verdict(Label(sample: 1, agent: "a", label: 0), at: .seconds(3)) == .late)
    #expect(book.verdict(Label(sample: 2, agent: "a", label: 0), at: .seconds(12)) == .kept)
    #expect(book.verdict(Label(sample: 2, agent: "a", label: 0), at: .seconds(13)) == .late)
    book.ask(Self.flow(1), at: .seconds(4))
    book.ask(Self.flow(2), at: .seconds(4))
    #expect(book.count == 1 && book.counts.asked == 2)
    book.expire(at: .seconds(20))
    #expect(book.count == 0 && book.counts.expired == 1)
    #expect(!book.accepts(Self.flow(2)))
    #expect(!book.accepts(Self.flow(3, probability: 0)) && !book.accepts(Self.flow(3, probability: .nan)))
  }

  @Test("the book is bounded: the oldest flow makes room, and what has gone is forgotten in time")
  func bounded() {
    var book = LabelBook(limits: Self.limits, classes: 2)
    for sample in 1...10 { book.ask(Self.flow(UInt64(sample)), at: .seconds(1)) }
    #expect(book.flows.map(\.sample) == [8, 9, 10] && book.counts.evicted == 7)
    #expect(book.verdict(Label(sample: 7, agent: "a", label: 0), at: .seconds(1)) == .late)
    #expect(book.verdict(Label(sample: 1, agent: "a", label: 0), at: .seconds(1)) == .unknown)
  }

  @Test("labels can be used when all agents have spoken, or when the patience with them is over")
  func settled() {
    var book = LabelBook(limits: BookLimits(), classes: 2)
    for sample in 1...3 { book.ask(Self.flow(UInt64(sample)), at: .seconds(sample)) }
    book.note(Label(sample: 1, agent: "a", label: 0), at: .seconds(4))
    book.note(Label(sample: 2, agent: "a", label: 0), at: .seconds(4))
    book.note(Label(sample: 2, agent: "b", label: 1), at: .seconds(4))
    func settled(_ seconds: Int) -> [UInt64] {
      book.settled(agents: 2, patience: .seconds(5), at: .seconds(seconds)).map(\.sample)
    }
    #expect(settled(4) == [2])
    #expect(settled(6) == [1, 2])
    #expect(settled(60) == [1, 2], "a flow without labels never is")
  }

  @Test("the same book follows from the entries that a rewritten journal has")
  func rewritten() {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed of books: \(seed)")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<20 {
      let limits = BookLimits(flows: 20, age: .seconds(30), labels: 3, gone: 15)
      var book = LabelBook(limits: limits, classes: 3)
      var now = Duration.seconds(100)
      for _ in 0..<300 {
        now += .nanoseconds(Int64(generator.exponential(mean: 5e8)))
        let sample = UInt64.random(in: 0..<80, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0, 1: book.ask(Self.flow(sample), at: now)
        case 2:
          let agent = ["a", "b", "c"][Int.random(in: 0..<3, using: &generator)]
          book.note(Label(sample: sample, agent: agent, label: generator.chance(0.2) ? nil : 1), at: now)
        default: book.close([sample], at: now)
        }
      }
      var again = LabelBook(limits: limits, classes: 3)
      for entry in book.entries { again.apply(entry) }
      again.expire(at: now)
      book.expire(at: now)
      let isSame = again == book
      #expect(isSame, "seed \(seed)")
    }
  }
}
