/// One client as the server sees it: what it has sent, what waits for it, and when it is given up.
///
/// A value without a socket: bytes, times and answers go in, requests and verdicts come out.
struct ControlConnection {
  enum Event: Equatable {
    case request(ControlRequest)
    /// To be told to the client; the connection goes on.
    case refusal(ControlRequest.Refusal)
    /// To be told to the client, which is then closed.
    case fatal(ControlError)
  }

  enum End: Equatable {
    case idle, stalled, overfull
  }

  /// What waits for the client may be so long; an answer fits, a second does not.
  static let outputLimit = ControlProtocol.answerLimit + ControlProtocol.requestLimit

  private var input: [UInt8] = []
  /// Bytes of `input` that hold no newline.
  private var searched = 0
  private var output: [UInt8] = []
  private var sentCount = 0
  private var lastInput: Duration
  private var lastOutput: Duration
  private(set) var isClosing = false
  private(set) var subscription: Subscription?
  /// Frames that were left out because the one before was not taken yet.
  private(set) var skippedFrames = 0

  struct Subscription: Equatable {
    let id: Int
    let function: String?
    let every: Duration
    var next: Duration
  }

  init(now: Duration) {
    lastInput = now
    lastOutput = now
  }

  var hasOutput: Bool { sentCount < output.count }

  /// No further request is taken before the answer to the last one is on its way: a client that only asks
  /// waits for itself.
  var takesRequests: Bool { !isClosing && !hasOutput }

  /// Nor are more bytes than the longest request read ahead.
  var wantsInput: Bool { takesRequests && input.count < ControlProtocol.requestLimit }

  /// Whether a whole request waits to be taken.
  var hasRequest: Bool { takesRequests && input[searched...].contains(UInt8(ascii: "\n")) }

  var pendingOutput: ArraySlice<UInt8> { output[sentCount...] }

  mutating func receive(_ bytes: some Collection<UInt8>, now: Duration) {
    lastInput = now
    input.append(contentsOf: bytes)
  }

  /// The next request that is complete; nil when more bytes are needed.
  mutating func next() -> Event? {
    guard takesRequests else { return nil }
    guard let end = input[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
      searched = input.count
      guard input.count >= ControlProtocol.requestLimit else { return nil }
      return tooLong()
    }
    guard end < ControlProtocol.requestLimit else { return tooLong() }
    let line = Array(input[..<end])
    input.removeFirst(end + 1)
    searched = 0
    do {
      return .request(try ControlRequest(line: line))
    } catch {
      return .refusal(error)
    }
  }

  private mutating func tooLong() -> Event {
    input = []
    searched = 0
    return .fatal(
      ControlError(.tooLarge, "a request is longer than \(ControlProtocol.requestLimit) bytes"))
  }

  /// False when the client has too much waiting already and is to be closed.
  mutating func send(_ line: [UInt8], now: Duration) -> Bool {
    if !hasOutput { lastOutput = now }
    guard output.count - sentCount + line.count <= Self.outputLimit else { return false }
    output.append(contentsOf: line)
    return true
  }

  /// The socket took so many bytes of `pendingOutput`.
  mutating func sent(_ count: Int, now: Duration) {
    guard count > 0 else { return }
    lastOutput = now
    lastInput = max(lastInput, now)
    sentCount += count
    if sentCount >= output.count {
      output = []
      sentCount = 0
    }
  }

  mutating func subscribe(id: Int, function: String?, every: Duration, now: Duration) {
    subscription = Subscription(id: id, function: function, every: every, next: now + every)
  }

  /// Whether a frame is due; a client that has not taken the one before is left out this time.
  mutating func takesFrame(now: Duration) -> Bool {
    guard var subscription, now >= subscription.next, !isClosing else { return false }
    subscription.next = max(subscription.next + subscription.every, now)
    self.subscription = subscription
    guard !hasOutput else {
      skippedFrames += 1
      return false
    }
    return true
  }

  /// No more requests; what waits is still sent.
  mutating func finish() { isClosing = true }

  /// Why the client is given up now; nil: it is not.
  func end(now: Duration) -> End? {
    if hasOutput { return now - lastOutput >= ControlProtocol.stallLimit ? .stalled : nil }
    guard subscription == nil else { return nil }
    return now - lastInput >= ControlProtocol.idleLimit ? .idle : nil
  }
}
