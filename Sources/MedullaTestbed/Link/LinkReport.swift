/// What an emulated link did, from its start to its end. Times are of the monotonic clock.
public struct LinkReport: Codable, Equatable, Sendable {
  /// `stopped`, `owner-gone` or `terminated`.
  public var ending: String
  public var startNanoseconds: UInt64
  public var endNanoseconds: UInt64
  /// Whether the loop ran with real-time priority.
  public var realtime: Bool
  /// Processor time of the loop.
  public var processorSeconds: Double
  /// Packets that the receiving device refused.
  public var failedWrites: Int
  public var forward: PathReport
  public var backward: PathReport
  /// In one of the windows: what was measured is not the configured link.
  public var fellBehind: Bool

  /// Marks a window in both directions when the emulator fell behind in one: the answers of one are what the
  /// other waits for.
  public init(
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
public struct PathReport: Codable, Equatable, Sendable {
  public var windows: [PathWindow]
  public var bins: PathBins
  /// Frames that were no packet, or larger than the MTU allows.
  public var malformedFrames: Int

  /// All windows in one; delay quantiles are those of the longest window.
  public var deliveredBytes: Int { windows.reduce(0) { $0 + $1.deliveredBytes } }
  public var droppedSegments: Int { windows.reduce(0) { $0 + $1.droppedSegments } }
  public var lostSegments: Int { windows.reduce(0) { $0 + $1.lostSegments } }
  public var burstLostSegments: Int { windows.reduce(0) { $0 + $1.burstLostSegments } }
  public var duplicatedSegments: Int { windows.reduce(0) { $0 + $1.duplicatedSegments } }
  public var reorderedSegments: Int { windows.reduce(0) { $0 + $1.reorderedSegments } }
  public var markedSegments: Int { windows.reduce(0) { $0 + $1.markedSegments } }
}

/// Counts of one measuring window.
public struct PathWindow: Codable, Equatable, Sendable {
  public var startNanoseconds: UInt64
  public var endNanoseconds: UInt64
  public var arrivedSegments: Int
  /// Segments whose service ended.
  public var deliveredSegments: Int
  /// Bytes of IP packets whose service ended.
  public var deliveredBytes: Int
  /// Segments that the full buffer refused.
  public var droppedSegments: Int
  /// Segments that random loss and burst loss took before the queue.
  public var lostSegments: Int
  /// Those of them that only burst loss took.
  public var burstLostSegments: Int
  /// Segments that arrive twice; counted once in what was delivered.
  public var duplicatedSegments: Int
  /// Segments that were held back so that others overtake them.
  public var reorderedSegments: Int
  public var markedSegments: Int
  public var queueBytesMaximum: Int
  /// Time that segments waited in the bottleneck's queue before their own service.
  public var queueingDelay: DelaySummary
  /// How late units left the emulator after their planned time.
  public var lateness: DelaySummary
  /// Units that left more than `LinkLimits.lateNanoseconds` after their planned time.
  public var lateDeliveries: Int
  /// Frames taken from the sending device, where the path has a rate; a frame has up to 44 segments.
  public var frames: Int
  /// Those that may have waited longer than `LinkLimits.lateNanoseconds` before the emulator took them.
  public var lateFrames: Int
  /// More than `LinkLimits.lateShare` of deliveries or of frames were late, in this direction or the other:
  /// what was measured is not the configured link.
  public var fellBehind: Bool

  public var seconds: Double { Double(endNanoseconds &- startNanoseconds) / 1e9 }
  /// Rate of IP packets.
  public var bitsPerSecond: Double { seconds > 0 ? Double(deliveredBytes) * 8 / seconds : 0 }
}

/// Mean and quantiles in milliseconds.
public struct DelaySummary: Codable, Equatable, Sendable {
  public var meanMilliseconds: Double
  public var p50Milliseconds: Double
  public var p95Milliseconds: Double
  public var p99Milliseconds: Double
  public var maximumMilliseconds: Double
}

/// Columns by time bin.
public struct PathBins: Codable, Equatable, Sendable {
  public var binNanoseconds: UInt64
  public var queueBytesMaximum: [Int]
  /// Bytes that came to the link, those that it lost or dropped included.
  public var arrivedBytes: [Int]
  public var deliveredBytes: [Int]
  public var droppedSegments: [Int]
  public var meanDelayMilliseconds: [Double]
  public var maximumDelayMilliseconds: [Double]
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
