/// What one path did, by time bins and by windows.
struct PathRecorder {
  /// One time bin.
  struct Bin: Equatable {
    var queueBytesMaximum = 0
    var arrivedBytes = 0
    var deliveredBytes = 0
    var deliveredSegments = 0
    var droppedSegments = 0
    var delayNanosecondsSum: Double = 0
    var delayNanosecondsMaximum: UInt64 = 0
  }

  /// Counts of one measuring window.
  struct Window: Equatable {
    var start: UInt64
    var end: UInt64
    var arrivedSegments = 0
    var deliveredSegments = 0
    var deliveredBytes = 0
    var droppedSegments = 0
    /// Those of them that the queue's discipline dropped.
    var earlyDroppedSegments = 0
    var policedSegments = 0
    /// By random loss and in bursts.
    var lostSegments = 0
    var burstLostSegments = 0
    var duplicatedSegments = 0
    var reorderedSegments = 0
    var markedSegments = 0
    var queueBytesMaximum = 0
    /// Time that segments waited before their service began.
    var delay = DelayHistogram()
    /// How late deliveries were after their planned time.
    var lateness = DelayHistogram()
    var lateDeliveries: UInt64 = 0
    /// Frames that a path with a rate took from its device, and those that may have waited there too long.
    var frames: UInt64 = 0
    var lateFrames: UInt64 = 0

    /// So much happened so late that the window's figures are not those of the configured link.
    var fellBehind: Bool {
      Double(lateDeliveries) > Double(lateness.total) * LinkLimits.lateShare
        || Double(lateFrames) > Double(frames) * LinkLimits.lateShare
    }
  }

  let binNanoseconds: UInt64
  let origin: UInt64
  private(set) var bins: [Bin]
  private(set) var usedBins = 0
  private(set) var windows: [Window] = []
  private(set) var current: Window

  init(origin: UInt64, binNanoseconds: UInt64, capacity: Int = LinkLimits.bins) {
    self.origin = origin
    self.binNanoseconds = binNanoseconds
    bins = Array(repeating: Bin(), count: capacity)
    current = Window(start: origin, end: origin)
  }

  @inline(__always)
  private mutating func bin(_ time: UInt64) -> Int? {
    let index = Int((time &- origin) / binNanoseconds)
    guard index < bins.count else { return nil }
    if index >= usedBins { usedBins = index + 1 }
    return index
  }

  @inline(__always)
  mutating func noteArrival(bytes: Int, segments: Int, queueBytes: Int, at time: UInt64) {
    current.arrivedSegments += segments
    if queueBytes > current.queueBytesMaximum { current.queueBytesMaximum = queueBytes }
    guard let bin = bin(time) else { return }
    bins[bin].arrivedBytes += bytes
    if queueBytes > bins[bin].queueBytesMaximum { bins[bin].queueBytesMaximum = queueBytes }
  }

  @inline(__always)
  mutating func noteDrop(bytes: Int, segments: Int, isEarly: Bool = false, at time: UInt64) {
    current.arrivedSegments += segments
    current.droppedSegments += segments
    if isEarly { current.earlyDroppedSegments += segments }
    guard let bin = bin(time) else { return }
    bins[bin].arrivedBytes += bytes
    bins[bin].droppedSegments += segments
  }

  /// The queue's discipline drops what has waited.
  mutating func noteLateDrop(segments: Int, at time: UInt64) {
    current.droppedSegments += segments
    current.earlyDroppedSegments += segments
    if let bin = bin(time) { bins[bin].droppedSegments += segments }
  }

  mutating func notePoliced(bytes: Int, segments: Int, at time: UInt64) {
    current.arrivedSegments += segments
    current.policedSegments += segments
    if let bin = bin(time) { bins[bin].arrivedBytes += bytes }
  }

  @inline(__always)
  mutating func noteLoss(_ loss: Impairment.Loss, bytes: Int, segments: Int, at time: UInt64) {
    current.arrivedSegments += segments
    current.lostSegments += segments
    if loss == .burst { current.burstLostSegments += segments }
    if let bin = bin(time) { bins[bin].arrivedBytes += bytes }
  }

  @inline(__always)
  mutating func noteDuplicate(segments: Int) { current.duplicatedSegments += segments }

  @inline(__always)
  mutating func noteReordering(segments: Int) { current.reorderedSegments += segments }

  @inline(__always)
  mutating func noteMark(segments: Int) { current.markedSegments += segments }

  @inline(__always)
  mutating func noteService(bytes: Int, segments: Int, delayNanoseconds: UInt64, at time: UInt64) {
    current.deliveredBytes += bytes
    current.deliveredSegments += segments
    current.delay.record(delayNanoseconds, weight: segments)
    guard let bin = bin(time) else { return }
    bins[bin].deliveredBytes += bytes
    bins[bin].deliveredSegments += segments
    bins[bin].delayNanosecondsSum += Double(delayNanoseconds) * Double(segments)
    if delayNanoseconds > bins[bin].delayNanosecondsMaximum {
      bins[bin].delayNanosecondsMaximum = delayNanoseconds
    }
  }

  @inline(__always)
  mutating func noteDelivery(lateNanoseconds: UInt64) {
    current.lateness.record(lateNanoseconds)
    if lateNanoseconds > LinkLimits.lateNanoseconds { current.lateDeliveries &+= 1 }
  }

  @inline(__always)
  mutating func noteFrame(waitedNanoseconds: UInt64) {
    current.frames &+= 1
    if waitedNanoseconds > LinkLimits.lateNanoseconds { current.lateFrames &+= 1 }
  }

  /// Ends the present window and begins the next.
  mutating func beginWindow(at time: UInt64) {
    current.end = time
    windows.append(current)
    current = Window(start: time, end: time)
  }
}
