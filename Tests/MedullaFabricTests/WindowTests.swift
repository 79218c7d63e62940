import MedullaFabric
import Testing

@Suite("What a client has on its way")
struct WindowTests {
  private static func window(_ window: Int, slots: Int = 8) -> ClientWindow {
    ClientWindow(.init(window: window, slots: slots), first: UInt32.max - 1)
  }

  @Test("no more than the window are on their way, and none takes the slot of one that is")
  func room() {
    var flights = Self.window(2)
    _ = flights.start(at: .zero)
    _ = flights.start(at: .zero)
    #expect(!flights.hasRoom)
    // Numbers go on beyond the largest.
    #expect(flights.finish(UInt32.max, at: .milliseconds(1)) == .milliseconds(1))
    #expect(flights.hasRoom && flights.start(at: .zero) == .send(inference: 0, attempt: 0))
    var narrow = Self.window(8, slots: 2)
    _ = narrow.start(at: .zero)
    _ = narrow.start(at: .zero)
    _ = narrow.finish(UInt32.max, at: .milliseconds(1))
    #expect(!narrow.hasRoom, "the oldest one's slot is the next one's")
  }

  @Test(
    "an answer that does not come is asked for, later and later while nothing is heard, and at last given up")
  func patience() {
    var flights = Self.window(1)
    _ = flights.start(at: .zero)
    #expect(flights.expire(at: .milliseconds(99)).isEmpty)
    var now = Duration.milliseconds(100)
    var waits: [Duration] = []
    #expect(flights.expire(at: now) == [.ask(inference: UInt32.max - 1, attempt: 1)])
    for _ in 0..<400 {
      guard let deadline = flights.deadline else { break }
      waits.append(deadline - now)
      now = deadline
      let actions = flights.expire(at: now)
      if actions == [.fail(inference: UInt32.max - 1)] { break }
    }
    #expect(flights.deadline == nil && flights.count == 0)
    #expect(waits.first == .milliseconds(100) && waits.max() == .milliseconds(200))
    #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 } && waits.count == 199)
  }

  @Test("a reply sets the time of the next question")
  func reply() {
    var flights = Self.window(1)
    _ = flights.start(at: .zero)
    _ = flights.expire(at: .milliseconds(100))
    // Of another question: it says nothing about the time.
    flights.hear(of: UInt32.max - 1, attempt: 0, at: .milliseconds(101))
    #expect(flights.deadline == .milliseconds(201))
    _ = flights.expire(at: .milliseconds(201))
    flights.hear(of: UInt32.max - 1, attempt: 2, at: .milliseconds(204))
    #expect(flights.deadline == .milliseconds(210))
  }

  @Test("a loss halves the window, and answers widen it again")
  func congestion() {
    var flights = Self.window(8)
    for _ in 0..<8 { _ = flights.start(at: .zero) }
    let lost = flights.expire(at: .milliseconds(100))
    #expect(lost.count == 8)
    for number in 0..<5 { _ = flights.finish(UInt32.max - 1 &+ UInt32(number), at: .milliseconds(101)) }
    #expect(flights.count == 3 && flights.hasRoom)
    _ = flights.start(at: .milliseconds(101))
    _ = flights.start(at: .milliseconds(101))
    #expect(!flights.hasRoom)
  }
}
