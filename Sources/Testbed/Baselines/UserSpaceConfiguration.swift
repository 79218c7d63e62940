import CMedullaABI
import Foundation
import MedullaCongestion
import MedullaDatapath
import TestbedLink

/// How user-space inference is set up: what goes up and when, who infers, and where.
package struct UserSpaceConfiguration: Sendable {
  /// When the kernel tells the user process a flow's features.
  package enum Reporting: Hashable, Sendable {
    case everyAcknowledgement
    /// At the first acknowledgement after so long; at least 1 µs, at most 1 minute.
    case every(Duration)
    /// Only when a decision is due, which an agent of few words would do.
    case everyDecision
  }

  /// What a monitor interval is.
  package enum Measuring: Hashable, Sendable {
    /// About a round trip, as with inference in the kernel: only the inference is elsewhere.
    case roundTrips
    /// From one report to the next, and rate and window change only then or with an answer: as when all of
    /// the controller is in user space, like CCP's algorithms.
    case reports
  }

  /// Who infers.
  package enum Engine: Hashable, Sendable {
    /// The snapshot compiled for this processor, in a C program: as lean as it gets. The kernel's own bits.
    case native
    /// The float network by ONNX Runtime, in an interpreter that has `onnxruntime` and `numpy`.
    case onnxRuntime(python: String, model: String)
  }

  /// How the user process hears of a report.
  package enum Waiting: String, Hashable, Sendable {
    /// Sleeps in epoll; the kernel wakes it only when it may sleep.
    case wakeups
    /// Sleeps in epoll; the kernel wakes it for every report, needed or not.
    case forcedWakeups
    /// Looks at the ring all the time, which takes a whole processor.
    case polling
  }

  package var reporting: Reporting
  package var engine: Engine
  package var measuring: Measuring
  package var waiting: Waiting
  /// The processor that the user process keeps to; nil: any.
  package var processor: Int?
  /// The controller around the network, as for inference in the kernel; `measuring` changes its intervals.
  package var congestion: CongestionConfiguration

  package init(
    reporting: Reporting, engine: Engine = .native, measuring: Measuring = .roundTrips,
    waiting: Waiting = .wakeups, processor: Int? = nil, congestion: CongestionConfiguration = .init()
  ) {
    self.reporting = reporting
    self.engine = engine
    self.measuring = measuring
    self.waiting = waiting
    self.processor = processor
    self.congestion = congestion
  }

  /// - Throws: `badParameter` for an interval or processor that cannot be; `DatapathError` for a controller
  /// that cannot be.
  package func validate() throws {
    try congestion.validate()
    if case .every(let interval) = reporting, !(1...60_000_000).contains(interval.nanoseconds / 1000) {
      throw TestbedError(
        .badParameter, "A report every \(interval) is not possible.",
        remedy: "Give 1 µs to 1 minute, or report every acknowledgement.")
    }
    if let processor, !(0..<ProcessInfo.processInfo.processorCount).contains(processor) {
      throw TestbedError(
        .badParameter, "There is no processor \(processor).",
        remedy: "This machine has 0 to \(ProcessInfo.processInfo.processorCount - 1).")
    }
  }

  /// The controller's settings with the monitor intervals that `measuring` asks for.
  var controller: mcc_config {
    var controller = congestion.controller
    guard measuring == .reports else { return controller }
    switch reporting {
    case .everyDecision: break
    case .everyAcknowledgement:
      controller.interval_fraction_q8 = 0
      controller.interval_min_packets = 1
    case .every(let interval):
      // The fraction of a round trip is so small that the least length counts.
      controller.interval_fraction_q8 = 1
      controller.interval_min_us = UInt32(clamping: interval.nanoseconds / 1000)
      controller.interval_min_packets = 1
    }
    return controller
  }

  var settings: UserSpaceLayout.Settings {
    var settings = UserSpaceLayout.Settings()
    if case .every(let interval) = reporting {
      settings.everyMicroseconds = UInt32(clamping: interval.nanoseconds / 1000)
    }
    settings.holds = measuring == .reports && reporting != .everyDecision ? 1 : 0
    settings.onlyDue = reporting == .everyDecision ? 1 : 0
    switch waiting {
    case .wakeups: settings.wakeup = 0
    case .polling: settings.wakeup = UserSpaceLayout.noWakeup
    case .forcedWakeups: settings.wakeup = UserSpaceLayout.forcedWakeup
    }
    return settings
  }
}

/// The layouts of `user_space.h`.
enum UserSpaceLayout {
  /// `BPF_RB_NO_WAKEUP` and `BPF_RB_FORCE_WAKEUP`.
  static let noWakeup: UInt32 = 1
  static let forcedWakeup: UInt32 = 2
  /// The last place of all, for questions without a flow.
  static let questionPlace: UInt32 = 4095

  struct Settings: BitwiseCopyable, Equatable {
    var everyMicroseconds: UInt32 = 0
    var wakeup: UInt32 = 0
    var onlyDue: UInt32 = 0
    var holds: UInt32 = 0
  }

  struct Counts: BitwiseCopyable, Equatable {
    var acknowledgements: UInt64 = 0
    var reports: UInt64 = 0
    var dropped: UInt64 = 0
    var due: UInt64 = 0
    var decisions: UInt64 = 0
    var unserved: UInt64 = 0
  }
}
