/// What a chain is and has done, at one moment.
package struct ChainReport: Sendable, Codable, Equatable {
  package enum State: String, Sendable, Codable {
    /// Nobody has come as this function.
    case absent
    /// It has been told what it works with, and has not begun.
    case joining
    case present
    /// It has gone, and its frames are about to be taken back.
    case leaving
  }

  package struct Function: Sendable, Codable, Equatable {
    package var name: String
    package var state: State
    package var process: Int?
    /// Frames that it may hold.
    package var quota: Int
    /// Frames that it holds.
    package var held: Int
    /// Frames that it was given.
    package var received: UInt64
    /// Frames that it had and gave back.
    package var returned: UInt64
    /// Frames that it did not get: over its quota, or because it was not there.
    package var overQuota: UInt64
    package var absent: UInt64
    /// Frames that it returned and did not have.
    package var forged: UInt64
    /// Frames that were taken back when it ended.
    package var reclaimed: UInt64
    /// Frames that it was given and that never came: too long, none free to receive into; and those that it
    /// had when the chain ended.
    package var lost: UInt64
    /// How often it has begun, and has ended.
    package var starts: UInt64
    package var ends: UInt64
    /// Nanoseconds from a frame's reception to its return, of a part of the frames.
    package var latency: Percentiles?
    /// What it counts itself.
    package var counters: [String: UInt64]
    /// Why it was ended last.
    package var lastEnd: String?

    enum CodingKeys: String, CodingKey {
      case name, state, process, quota, held, received, returned, absent, forged, reclaimed, lost, starts
      case ends, latency, counters
      case overQuota = "over_quota"
      case lastEnd = "last_end"
    }
  }

  package struct Percentiles: Sendable, Codable, Equatable {
    package var p50: UInt64
    package var p99: UInt64
    package var p999: UInt64
  }

  package struct Interface: Sendable, Codable, Equatable {
    package var name: String
    package var queues: Int
    package var isZeroCopy: Bool
    package var sent: UInt64
    /// Frames that were not sent: the ring was full, or they had no link header.
    package var refused: UInt64
    /// Frames that came and were not received: none was free, it was too long, or it was not asked for in
    /// time. nil: the functions' own counts have them.
    package var lost: UInt64?
    /// Whether all of its links are up; nil: the kernel knows.
    package var isUp: Bool?

    enum CodingKeys: String, CodingKey {
      case name, queues, sent, refused, lost
      case isZeroCopy = "zero_copy"
      case isUp = "up"
    }
  }

  package struct Frames: Sendable, Codable, Equatable {
    package var total: Int
    package var free: Int
    /// To be filled, filled, or delivered and not returned.
    package var inKernel: Int
    package var inSending: Int
    package var bytes: Int
    package var isHuge: Bool

    enum CodingKeys: String, CodingKey {
      case total, free, bytes
      case inKernel = "in_kernel"
      case inSending = "in_sending"
      case isHuge = "huge_pages"
    }
  }

  /// Of flows in the kernel, whose classes rules name.
  package struct Classifier: Sendable, Codable, Equatable {
    package var name: String
    /// false: it was detached, or another has taken its name. Rules that name its classes match nothing.
    package var isAttached: Bool

    package init(name: String, isAttached: Bool) {
      self.name = name
      self.isAttached = isAttached
    }

    enum CodingKeys: String, CodingKey {
      case name
      case isAttached = "attached"
    }
  }

  package var name: String
  package var mode: PollMode
  package var frames: Frames
  package var interfaces: [Interface]
  package var functions: [Function]
  /// nil: no rule names a class.
  package var classifier: Classifier?
  /// Frames that the demultiplexer delivered, and did not.
  package var delivered: UInt64
  package var unmatched: UInt64
  package var malformed: UInt64
  package var notTaken: UInt64
  package var unstamped: UInt64

  enum CodingKeys: String, CodingKey {
    case name, mode, frames, interfaces, functions, classifier, delivered, unmatched, malformed, unstamped
    case notTaken = "not_taken"
  }
}

extension ChainReport.Percentiles {
  init?(_ histogram: LatencyHistogram) {
    guard let p50 = histogram.quantile(0.5), let p99 = histogram.quantile(0.99),
      let p999 = histogram.quantile(0.999)
    else { return nil }
    self.init(p50: p50, p99: p99, p999: p999)
  }
}
