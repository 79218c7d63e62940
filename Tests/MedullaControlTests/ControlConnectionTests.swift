import Testing

@testable import MedullaControl

@Suite("Control connection")
struct ControlConnectionTests {
  /// For expressions that change the connection.
  private func check(_ holds: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(holds, sourceLocation: sourceLocation)
  }

  private func connection(_ text: String) -> ControlConnection {
    var connection = ControlConnection(now: .zero)
    connection.receive(Array(text.utf8), now: .zero)
    return connection
  }

  @Test("a request in pieces is taken when its newline comes, and two in one piece one after the other")
  func pieces() {
    var connection = connection("{\"id\":1,\"met")
    check(connection.next() == nil)
    connection.receive(Array("hod\":\"hello\"}\n{\"id\":2,\"method\":\"status\"}\n".utf8), now: .zero)
    check(connection.next() == .request(ControlRequest(id: 1, .hello)))
    check(connection.next() == .request(ControlRequest(id: 2, .status)))
    check(connection.next() == nil)
  }

  @Test(
    "what is no request is refused with a code, and with its number where it has one",
    arguments: [
      ("garbage", nil, ControlError.Code.badMessage), ("[]", nil, .badMessage), ("{}", nil, .badMessage),
      ("{\"id\":\"x\",\"method\":\"hello\"}", nil, .badMessage),
      ("{\"id\":true,\"method\":\"hello\"}", nil, .badMessage),
      ("{\"id\":4}", 4, .badMessage), ("{\"id\":1,\"method\":\"fly\"}", 1, .unknownMethod),
      ("{\"id\":1,\"method\":\"hello\",\"extra\":1}", 1, .badMessage),
      ("{\"id\":1,\"method\":\"history\",\"parameters\":{\"limit\":0}}", 1, .badParameter),
      ("{\"id\":1,\"method\":\"history\",\"parameters\":{\"limt\":5}}", 1, .badParameter),
      ("{\"id\":1,\"method\":\"top\",\"parameters\":{\"every\":0.001}}", 1, .badParameter),
      ("{\"id\":1,\"method\":\"proxy\",\"parameters\":{\"value\":\"bad\"}}", 1, .badParameter),
      ("{\"id\":1,\"method\":\"stop\",\"parameters\":{\"on_stop\":\"burn\"}}", 1, .badParameter),
      ("{\"id\":1,\"method\":\"why\",\"parameters\":{\"function\":7}}", 1, .badParameter),
    ] as [(String, Int?, ControlError.Code)])
  func refusals(text: String, id: Int?, code: ControlError.Code) {
    var connection = connection(text + "\n")
    guard case .refusal(let refusal) = connection.next() else {
      Issue.record("not refused: \(text)")
      return
    }
    #expect(refusal.id == id)
    #expect(refusal.error.code == code)
  }

  @Test("a request is the same after it was written and read")
  func roundTrip() throws {
    let request = ControlRequest(
      id: 9, .history, function: "a", kind: "gates", since: 60, limit: 5, every: 1, value: 0.9,
      onStop: .keep)
    #expect(try ControlRequest(line: request.line.dropLast()) == request)
  }

  @Test("a request without end is given up at the limit, and what was buffered is let go")
  func tooLong() {
    var connection = ControlConnection(now: .zero)
    let chunk = [UInt8](repeating: 0x20, count: 16 << 10)
    for _ in 0..<4 {
      check(connection.next() == nil)
      connection.receive(chunk, now: .zero)
    }
    guard case .fatal(let error) = connection.next() else {
      Issue.record("not given up")
      return
    }
    #expect(error.code == .tooLarge)
  }

  @Test("whole requests that wait are seen, and no more is read ahead than the longest request")
  func ahead() {
    let one = "{\"id\":1,\"method\":\"hello\"}\n"
    var connection = connection(String(repeating: one, count: 3))
    check(connection.hasRequest && connection.wantsInput)
    for _ in 0..<3 { check(connection.next() == .request(ControlRequest(id: 1, .hello))) }
    check(!connection.hasRequest)
    let many = ControlProtocol.requestLimit / one.utf8.count + 1
    connection.receive(Array(String(repeating: one, count: many).utf8), now: .zero)
    check(connection.hasRequest && !connection.wantsInput)
    for _ in 0..<many { check(connection.next() == .request(ControlRequest(id: 1, .hello))) }
    check(connection.wantsInput)
  }

  @Test("no further request is read while an answer waits, and a client that takes nothing is given up")
  func stall() {
    var connection = connection("{\"id\":1,\"method\":\"hello\"}\n{\"id\":2,\"method\":\"hello\"}\n")
    check(connection.next() != nil)
    check(connection.send([1, 2, 3], now: .seconds(1)))
    check(connection.next() == nil)
    #expect(connection.end(now: .seconds(10)) == nil)
    #expect(connection.end(now: .seconds(11)) == .stalled)
    connection.sent(3, now: .seconds(10))
    #expect(connection.end(now: .seconds(30)) == nil)
    check(connection.next() == .request(ControlRequest(id: 2, .hello)))
  }

  @Test("a silent client is closed, a subscriber is not")
  func idle() {
    var connection = ControlConnection(now: .zero)
    #expect(connection.end(now: ControlProtocol.idleLimit - .seconds(1)) == nil)
    #expect(connection.end(now: ControlProtocol.idleLimit) == .idle)
    connection.subscribe(id: 1, function: nil, every: .seconds(1), now: .zero)
    #expect(connection.end(now: .seconds(3_600)) == nil)
  }

  @Test("a subscriber that is slow misses frames instead of gathering them")
  func frames() {
    var connection = ControlConnection(now: .zero)
    connection.subscribe(id: 1, function: nil, every: .seconds(1), now: .zero)
    check(!connection.takesFrame(now: .milliseconds(500)))
    check(connection.takesFrame(now: .seconds(1)))
    check(connection.send([1], now: .seconds(1)))
    check(!connection.takesFrame(now: .seconds(2)))
    #expect(connection.skippedFrames == 1)
    connection.sent(1, now: .seconds(3))
    check(connection.takesFrame(now: .seconds(3)))
  }

  @Test("what waits for a client is bounded")
  func bounded() {
    var connection = ControlConnection(now: .zero)
    check(connection.send([UInt8](repeating: 0, count: ControlConnection.outputLimit), now: .zero))
    check(!connection.send([0], now: .zero))
  }
}
