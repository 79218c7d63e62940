/// What an emulated link did, from its start to its end. Times are of the monotonic clock.
package struct LinkReport: Codable, Equatable, Sendable {
  /// `stopped`, `owner-gone` or `terminated`.
  package var ending: String
  package var startNanoseconds: UInt64
  package var endNanoseconds: UInt64
  /// Whether the loop ran with real-time priority.
  package var realtime: Bool
  /// Processor time of the loop.
  package var processorSeconds: Double
  /// Packets that the receiving device refused.
  package var failedWrites: Int
  package var forward: PathReport
  package var backward: PathReport
  /// In one of the windows: what was measured is not the configured link.
  package var fellBehind: Bool

  /// Marks a window in both directions when the emulator fell behind in one: the answers of one are what the
  /// other waits for.
  package init(
    ending: String, startNanoseconds: UInt64, endNanoseconds: UInt64, realtime: Bool,
    processorSeconds: Double, failedWrites: Int, forward: PathReport, backward: PathReport
  ) {
    self.ending = ending
    self.startNanoseconds = startNanoseconds
    self.endNanoseconds = endNanoseconds
    self.realtime = realtime
    self.processorSeconds = processorSeconds
    self.failedWrites = failedWrites
    self.forward = forward
    self.backward = backward
    fellBehind = false
    for index in forward.windows.indices where index < backward.windows.count {
      let either = forward.windows[index].fellBehind || backward.windows[index].fellBehind
      self.forward.windows[index].fellBehind = either
      self.backward.windows[index].fellBehind = either
      if either { fellBehind = true }
    }
  }
}

/// What one direction of a link did.
package struct PathReport: Codable, Equatable, Sendable {
  package var windows: [PathWindow]
  package var bins: PathBins
  /// Frames that were no packet, or larger than the MTU allows.
  package var malformedFrames: Int

  /// All windows in one; delay quantiles are those of the longest window.
  package var deliveredBytes: Int { windows.reduce(0) { $0 + $1.deliveredBytes } }
  package var droppedSegments: Int { windows.reduce(0) { $0 + $1.droppedSegments } }
  package var earlyDroppedSegments: Int { windows.reduce(0) { $0 + $1.earlyDroppedSegments } }
  package var policedSegments: Int { windows.reduce(0) { $0 + $1.policedSegments } }
  package var lostSegments: Int { windows.reduce(0) { $0 + $1.lostSegments } }
  package var burstLostSegments: Int { windows.reduce(0) { $0 + $1.burstLostSegments } }
  package var duplicatedSegments: Int { windows.reduce(0) { $0 + $1.duplicatedSegments } }
  package var reorderedSegments: Int { windows.reduce(0) { $0 + $1.reorderedSegments } }
  package var markedSegments: Int { windows.reduce(0) { $0 + $1.markedSegments } }
}

/// Counts of one measuring window.
package struct PathWindow: Codable, Equatable, Sendable {
  package var startNanoseconds: UInt64
  package var endNanoseconds: UInt64
  package var arrivedSegments: Int
  /// Segments whose service ended.
  package var deliveredSegments: Int
  /// Bytes of IP packets whose service ended.
  package var deliveredBytes: Int
  /// Segments that the full buffer refused, or the queue's discipline dropped.
  package var droppedSegments: Int
  /// Those of them that the discipline dropped.
  package var earlyDroppedSegments: Int
  /// Segments that a policer dropped before the queue.
  package var policedSegments: Int
  /// Segments that random loss and burst loss took before the queue.
  package var lostSegments: Int
  /// Those of them that only burst loss took.
  package var burstLostSegments: Int
  /// Segments that arrive twice; counted once in what was delivered.
  package var duplicatedSegments: Int
  /// Segments that were held back so that others overtake them.
  package var reorderedSegments: Int
  package var markedSegments: Int
  package var queueBytesMaximum: Int
  /// Time that segments waited in the bottleneck's queue before their own service.
  package var queueingDelay: DelaySummary
  /// How late units left the emulator after their planned time.
  package var lateness: DelaySummary
  /// Units that left more than `LinkLimits.lateNanoseconds` after their planned time.
  package var lateDeliveries: Int
  /// Frames taken from the sending device, where the path has a rate; a frame has up to 44 segments.
  package var frames: Int
  /// Those that may have waited longer than `LinkLimits.lateNanoseconds` before the emulator took them.
  package var lateFrames: Int
  /// More than `LinkLimits.lateShare` of deliveries or of frames were late, in this direction or the other:
  /// what was measured is not the configured link.
  package var fellBehind: Bool

  package var seconds: Double { Double(endNanoseconds &- startNanoseconds) / 1e9 }
  /// Rate of IP packets.
  package var bitsPerSecond: Double { seconds > 0 ? Double(deliveredBytes) * 8 / seconds : 0 }
}

/// Mean and quantiles in milliseconds.
package struct DelaySummary: Codable, Equatable, Sendable {
  package var meanMilliseconds: Double
  package var p50Milliseconds: Double
  package var p95Milliseconds: Double
  package var p99Milliseconds: Double
  package var maximumMilliseconds: Double
}

/// Columns by time bin.
package struct PathBins: Codable, Equatable, Sendable {
  package var binNanoseconds: UInt64
  package var queueBytesMaximum: [Int]
  /// Bytes that came to the link, those that it lost or dropped included.
  package var arrivedBytes: [Int]
  package var deliveredBytes: [Int]
  package var droppedSegments: [Int]
  package var meanDelayMilliseconds: [Double]
  package var maximumDelayMilliseconds: [Double]
}

extension DelaySummary {
  init(_ histogram: DelayHistogram) {
    func milliseconds(_ nanoseconds: Double) -> Double { (nanoseconds / 1e3).rounded() / 1e3 }
    meanMilliseconds = milliseconds(histogram.meanNanoseconds)
    p50Milliseconds = milliseconds(histogram.quantile(0.5))
    p95Milliseconds = milliseconds(histogram.quantile(0.95))
    p99Milliseconds = milliseconds(histogram.quantile(0.99))
    maximumMilliseconds = milliseconds(Double(histogram.maximumNanoseconds))
  }
}

extension PathWindow {
  init(_ window: PathRecorder.Window) {
    self.init(
      startNanoseconds: window.start, endNanoseconds: window.end,
      arrivedSegments: window.arrivedSegments, deliveredSegments: window.deliveredSegments,
      deliveredBytes: window.deliveredBytes, droppedSegments: window.droppedSegments,
      earlyDroppedSegments: window.earlyDroppedSegments, policedSegments: window.policedSegments,
      lostSegments: window.lostSegments, burstLostSegments: window.burstLostSegments,
      duplicatedSegments: window.duplicatedSegments, reorderedSegments: window.reorderedSegments,
      markedSegments: window.markedSegments,
      queueBytesMaximum: window.queueBytesMaximum, queueingDelay: DelaySummary(window.delay),
      lateness: DelaySummary(window.lateness),
      lateDeliveries: Int(window.lateDeliveries), frames: Int(window.frames),
      lateFrames: Int(window.lateFrames), fellBehind: window.fellBehind)
  }
}

extension PathReport {
  init(_ path: PathQueue) {
    let recorder = path.recorder
    let bins = recorder.bins.prefix(recorder.usedBins)
    self.init(
      windows: recorder.windows.map(PathWindow.init),
      bins: PathBins(
        binNanoseconds: recorder.binNanoseconds,
        queueBytesMaximum: bins.map(\.queueBytesMaximum), arrivedBytes: bins.map(\.arrivedBytes),
        deliveredBytes: bins.map(\.deliveredBytes),
        droppedSegments: bins.map(\.droppedSegments),
        meanDelayMilliseconds: bins.map {
          $0.deliveredSegments == 0
            ? 0 : ($0.delayNanosecondsSum / Double($0.deliveredSegments) / 1e3).rounded() / 1e3
        },
        maximumDelayMilliseconds: bins.map { Double($0.delayNanosecondsMaximum / 1000) / 1e3 }),
      malformedFrames: path.malformedFrames)
  }
}
