/// What a function does with each packet while its rate is measured.
package enum RateCase: String, CaseIterable, Sendable {
  /// Packets are let go, or dropped, without a look.
  case none = "no function"
  /// The same, and each packet is made another flow's first: what the measurement itself adds below.
  case turns = "no function, flows take turns"
  /// Of one flow that is decided.
  case hit
  /// Of so many decided flows in turn.
  case many = "hit among 4096 flows"
  /// Each is a flow's first, and the flow is kept.
  case new = "miss, new flow"
  /// Each is of a flow for which the table has no room.
  case full = "miss, full table"
  /// Of one flow that is decided anew at each packet.
  case every = "inference"

  /// As the native program calls it.
  var word: String {
    switch self {
    case .none: "none"
    case .turns: "turns"
    case .hit: "hit"
    case .many: "many"
    case .new: "new"
    case .full: "full"
    case .every: "every"
    }
  }

  /// How many flows take turns, less one: the mask of their numbers.
  package var mask: Int64 {
    switch self {
    case .none, .hit, .every: 0
    case .many: 4_095
    case .turns, .new, .full: 0xff_ffff
    }
  }

  /// Those of which the rate is measured over a link: a table that has room would be full at once.
  package static let overLink: [RateCase] = [.none, .hit, .many, .full, .every]
}

/// Where packets meet the function in a test run.
package enum RateHook: String, CaseIterable, Sendable {
  case xdp, tc
}

/// How long a packet takes, in nanoseconds.
package struct PacketTime: Sendable {
  /// The least mean of several readings: all noise only adds.
  package let warm: Double
  /// Of single packets, each behind a walk over more memory than the caches hold; the median.
  package let cold: Double

  /// - Parameters: of each reading, and of each single packet; some of both.
  init(warm: [Double], cold: [Double]) {
    self.warm = warm.min() ?? 0
    self.cold = cold.sorted()[cold.count / 2]
  }
}

/// How much is measured for one figure.
package struct RateEffort: Sendable {
  package var readings: Int
  /// Packets of a reading.
  package var repeats: Int
  package var coldRuns: Int
  /// Of one slice of a rate.
  package var sliceSeconds: Double
  package var slices: Int

  package init(readings: Int, repeats: Int, coldRuns: Int, sliceSeconds: Double, slices: Int) {
    (self.readings, self.repeats, self.coldRuns) = (readings, repeats, coldRuns)
    (self.sliceSeconds, self.slices) = (sliceSeconds, slices)
  }
}
