import TestbedMeasures

/// One curve of the latency comparison: a way, and how the answerer runs.
package struct LatencyCell: Codable, Hashable, Sendable {
  /// How a prediction comes about.
  package enum Way: String, Codable, CaseIterable, Sendable {
    /// A test run of the kernel's own inference; `emptyProgram` is what the test run itself costs.
    case kernel = "test"
    /// A test run of a program that does nothing.
    case emptyProgram = "empty"
    /// Up a BPF ring buffer to a process that sleeps in epoll, and back by a write into a map.
    case ringBuffer = "ring"
    /// The same with a process that looks at the ring all the time, which takes a whole processor.
    case pollingRing = "spin"
    /// Two sockets of `NETLINK_USERSOCK`, there and back through the kernel's netlink.
    case netlink
    /// Two pipes: read and write of a file of the kernel, as with a character device.
    case pipe
    /// Two event counters with the message in shared memory: the floor of ways with a sleeping process.
    case eventCounter = "eventfd"
  }

  /// Where the time ends.
  package enum End: String, Codable, CaseIterable, Sendable {
    /// The answer is in the kernel, for a datapath that takes it at its next packet.
    case answered
    /// The asker, which slept, has it.
    case returned
  }

  package var way: Way
  package var end: End
  /// Whether asker and answerer keep to one processor.
  package var sharesProcessor: Bool

  package init(_ way: Way, end: End = .answered, sharesProcessor: Bool = true) {
    self.way = way
    self.end = end
    self.sharesProcessor = sharesProcessor
  }

  /// Every cell that makes sense: a ring has no sleeping asker, and a process that never sleeps needs a
  /// processor of its own.
  package static var all: [LatencyCell] {
    var cells: [LatencyCell] = [
      .init(.kernel), .init(.emptyProgram), .init(.pollingRing, sharesProcessor: false),
    ]
    for shared in [true, false] {
      cells.append(.init(.ringBuffer, sharesProcessor: shared))
      for way in [Way.netlink, .pipe, .eventCounter] {
        for end in End.allCases { cells.append(.init(way, end: end, sharesProcessor: shared)) }
      }
    }
    return cells
  }

  /// Whether a user process takes part.
  package var asksUserSpace: Bool { way != .kernel && way != .emptyProgram }
}

/// The samples of one cell.
package struct LatencySeries: Codable, Equatable, Sendable {
  package var cell: LatencyCell
  /// In the order of measuring.
  package var nanoseconds: [UInt32]

  package var mean: Double {
    nanoseconds.isEmpty ? 0 : nanoseconds.reduce(0) { $0 + Double($1) } / Double(nanoseconds.count)
  }

  package func quantile(_ fraction: Double) -> Double {
    Statistics.quantile(nanoseconds.map { Double($0) }, fraction)
  }
}
