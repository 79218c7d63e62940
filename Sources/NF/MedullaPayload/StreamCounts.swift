/// What has become of segments and flows since the reassembler was made.
package struct StreamCounts: Sendable, Equatable {
  private var causes = ContiguousArray<UInt64>(repeating: 0, count: StreamCause.allCases.count)
  private var endings = ContiguousArray<UInt64>(repeating: 0, count: StreamEnding.allCases.count)
  /// Flows that have begun. Each has ended in one way, or is open.
  package internal(set) var begun: UInt64 = 0
  /// Of these, TCP's without their beginning.
  package internal(set) var midStream: UInt64 = 0

  package subscript(cause: StreamCause) -> UInt64 { causes[Int(cause.rawValue)] }
  package subscript(ending: StreamEnding) -> UInt64 { endings[Int(ending.rawValue)] }

  /// All segments that were given.
  package var segments: UInt64 { causes.reduce(0, +) }
  package var ended: UInt64 { endings.reduce(0, +) }

  @inline(__always)
  mutating func add(_ cause: StreamCause) { causes[Int(cause.rawValue)] &+= 1 }
  mutating func add(_ ending: StreamEnding) { endings[Int(ending.rawValue)] &+= 1 }
}

/// How a flow ended.
package enum StreamEnding: UInt8, Sendable, CaseIterable {
  /// All bytes up to the FIN are there.
  case whole
  /// All that are wanted are there.
  case enough
  case reset
  case idle
  /// It was older than a flow may be.
  case aged
  /// The consumer gave it up.
  case dropped
}

/// A flow of a reassembler. A name that is no longer valid is refused, not taken for another flow's.
package struct StreamName: Hashable, Sendable {
  let slot: UInt32
  let generation: UInt32
}

/// What a segment has caused.
package struct StreamOutcome: Sendable {
  package let cause: StreamCause
  /// The flow that the segment was heeded for.
  package internal(set) var flow: StreamName?
  package internal(set) var begins = false
  /// There are bytes in order that were not there before.
  package internal(set) var hasNews = false
  /// The flow has ended: no more comes of it, and the consumer is to finish with it.
  package internal(set) var ends = false

  init(_ cause: StreamCause) { self.cause = cause }

  /// Otherwise the frame is the caller's at once.
  package var keepsFrame: Bool { cause == .accepted }
}

/// What there is of a flow.
package struct StreamFlow: Sendable, Equatable {
  package var name: StreamName
  package var key: StreamKey
  /// nil: it is open.
  package var ending: StreamEnding?
  /// Bytes that have come without a gap, those that are not wanted any more included.
  package var length: Int
  /// Segments that are held.
  package var held: Int
  /// Segments for which there was no room. A datagram that is among them is missing in the stream, without
  /// a gap.
  package var refused: Int
  /// Segments that the consumer has and has not given back.
  package var lent: Int
  package var began: UInt64
}
