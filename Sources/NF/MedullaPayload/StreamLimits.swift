/// Which bytes of a flow are wanted.
package struct StreamWant: Hashable, Sendable {
  /// Bytes from the flow's first.
  package var head: Int
  /// Bytes before its last. With none, a flow ends for its consumer as soon as `head` is there; the whole
  /// of a flow is a `head` as long as a flow may be.
  package var tail: Int
  /// Whether a TCP flow whose SYN was not seen is taken from the first segment that was.
  package var takesMidStream: Bool

  package init(head: Int, tail: Int = 0, takesMidStream: Bool = false) {
    self.head = head
    self.tail = tail
    self.takesMidStream = takesMidStream
  }
}

/// What a reassembler may hold. All of its memory is taken when it is made.
package struct StreamLimits: Hashable, Sendable {
  /// Flows at a time, each direction by itself: open ones, and ended ones that the consumer has not
  /// finished with.
  package var flows = 4_096
  package var frames = 65_536
  /// Segments that one flow holds at a time.
  package var segmentsPerFlow = 1_024
  /// Bytes that a segment may end ahead of what is there without a gap.
  package var window = 1 << 20
  /// Nanoseconds of silence after which a flow ends, and after which it ends however busy.
  package var idle: UInt64 = 10_000_000_000
  package var lifetime: UInt64 = 120_000_000_000
  /// Flows that have ended whose late packets are still known, and for how many nanoseconds.
  package var endedFlows = 16_384
  package var memory: UInt64 = 60_000_000_000

  package init() {}

  /// - Throws: `badSetting` that names the first one that cannot be.
  package func check(_ want: StreamWant) throws(PayloadError) {
    let wrong: String? =
      if !(1...1 << 22).contains(flows) {
        "`flows` is 1 to \(1 << 22)"
      } else if !(1...1 << 26).contains(frames) {
        "`frames` is 1 to \(1 << 26)"
      } else if !(1...frames).contains(segmentsPerFlow) {
        "`segmentsPerFlow` is 1 to `frames`"
      } else if !(1...1 << 30).contains(window) {
        // Half of the sequence numbers and more could be ahead or behind.
        "`window` is 1 to \(1 << 30)"
      } else if idle < 1 || lifetime < 1 {
        "`idle` and `lifetime` are at least a nanosecond"
      } else if !(1...1 << 24).contains(endedFlows) {
        "`endedFlows` is 1 to \(1 << 24)"
      } else if !(1...1 << 40).contains(want.head) || !(0...1 << 40).contains(want.tail) {
        "a head of 1 to \(1 << 40) bytes and a tail of 0 to as many are wanted"
      } else {
        nil
      }
    if let wrong {
      throw PayloadError(.badSetting, "streams cannot be reassembled within these limits", cause: wrong)
    }
  }
}
