import TestbedLink

/// One flow between two hosts of a fabric: a head, such as a request's, in a first write, and the rest.
package struct FabricTransfer: Equatable, Sendable {
  package var startNanoseconds: Int
  package var source: Int
  package var destination: Int
  package var headBytes: Int
  /// Payload, the head included.
  package var bytes: Int

  package init(startNanoseconds: Int, source: Int, destination: Int, headBytes: Int, bytes: Int) {
    (self.startNanoseconds, self.source) = (startNanoseconds, source)
    (self.destination, self.headBytes, self.bytes) = (destination, headBytes, bytes)
  }

  /// About the bytes of its frames, as its sender's kernel counts them: a header each segment, the handshake
  /// and what closes.
  package var frameBytes: Int { Self.frameBytes(ofPayload: bytes) }

  static func frameBytes(ofPayload bytes: Int) -> Int {
    bytes + headerBytes * (bytes / segmentBytes + extraFrames)
  }

  private static let headerBytes = 66
  private static let segmentBytes = 1_448
  /// SYN, ACK, the head's own segment and the rest of the last one.
  private static let extraFrames = 4
}

/// Flows between all hosts of a fabric at given times, by one thread: each connects from its source's
/// address to its destination's service, writes, and is complete when the receiver has read its last byte.
package final class FabricFlows: FlowWorkload<FabricFlows.Completion>, @unchecked Sendable {
  /// What a sender itself knows of a flow when it begins: the features of `examples/scheduling`, in their
  /// order, as far as an application can tell them.
  package struct Knowledge: Equatable, Sendable {
    package var headBytes: Int
    package var microsecondsSincePrevious: Int
    /// Of the last three flows between the two hosts, the last one first; 0: none.
    package var previousBytes: [Int]

    package var features: [UInt64] {
      let bytes = previousBytes.map { UInt64(clamping: $0) }
      return [UInt64(clamping: headBytes), bytes[0], UInt64(clamping: microsecondsSincePrevious), bytes[1]]
        + [bytes[2]]
    }
  }

  /// Who marks a flow's packets with a code point.
  package enum Marking: Sendable {
    /// Not the application.
    case none
    /// The application, by what is known of each flow of the list.
    case given([UInt8])
    /// The application, which waits for an answer before it connects.
    case asked(@Sendable (Knowledge) -> UInt8)
  }

  package struct Plan: Sendable {
    /// In the order of their beginnings.
    package var transfers: [FabricTransfer]
    package var marking = Marking.none
    /// Of acknowledgements, where the application marks.
    package var answerMark: UInt8?
    package var congestion = "cubic"
    /// A flow that is not complete after so many seconds counts as broken.
    package var patience = 15.0

    package init(_ transfers: [FabricTransfer]) { self.transfers = transfers }
  }

  /// One complete flow.
  package struct Completion: Equatable, Sendable {
    /// In the plan's list.
    package var transfer: Int
    package var seconds: Double
    /// How much later than planned it began.
    package var late: Double
  }

  /// Most flows of a plan, and at one time.
  package static let limit = 100_000
  static let openLimit = 4_000
  static let port: UInt16 = 7_100
  /// Of the thread of the flows, and of who answers it.
  package static let realtimePriority: Int32 = 1

  /// Starts at once.
  package init(_ plan: Plan, over fabric: Fabric) throws {
    guard plan.transfers.count <= Self.limit else {
      throw TestbedError(
        .badParameter, "\(plan.transfers.count) flows are too many.", remedy: "Give up to \(Self.limit).")
    }
    super.init("fabric-flows", try FabricEnds(plan, over: fabric), keeping: Self.limit)
  }
}
