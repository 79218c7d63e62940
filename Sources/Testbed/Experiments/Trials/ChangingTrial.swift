import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// One flow over a link whose rate falls and rises again and again.
struct ChangingTrial: Sendable {
  /// With the rate of every other step, the first one's.
  var link: LinkCell
  var lowMbps: Double
  var seed: UInt64
  /// Seconds of a step, and steps of which the first do not count.
  var stepSeconds: Int
  var steps: Int
  var warmUpSteps: Int

  /// Goodput, its share of what the link could carry, and the wait in the queue, after the warm-up.
  func run(congestion: String, executable: String) throws -> Reading {
    try LinkEmulator.with(link.link(seed: seed), executable: executable) { emulator in
      let flow = try BulkFlows(count: 1, congestion: congestion, fewAtOnce: true, over: emulator)
      defer { flow.abort() }
      let begin = ContinuousClock.now
      var (capacity, received, seconds) = (0.0, 0, 0.0)
      for step in 0..<steps {
        let mbps = step.isMultiple(of: 2) ? link.rateMbps : lowMbps
        if step > 0 {
          var changed = emulator.configuration
          changed.forward.bitsPerSecond = mbps * 1e6
          try emulator.change(changed)
        }
        let (start, before) = (ContinuousClock.now, flow.receivedBytes().reduce(0, +))
        try Interruption.sleep(.seconds((step + 1) * stepSeconds) - (start - begin))
        guard step >= warmUpSteps else { continue }
        let length = (ContinuousClock.now - start).inSeconds
        capacity += mbps * LinkCell.payloadBytes / LinkCell.packetBytes * length
        received += flow.receivedBytes().reduce(0, +) - before
        seconds += length
      }
      try emulator.beginWindow()
      flow.abort()
      let drops = try emulator.deviceDrops()
      let report = try emulator.stop()
      let megabits = Double(received) * 8 / 1e6
      var reading = Reading([
        FlowMetrics.goodput: seconds > 0 ? megabits / seconds : nil,
        BulkTrial.share: capacity > 0 ? megabits / capacity : nil,
        FlowMetrics.queue.mean: meanWait(report.forward), BulkTrial.deviceDrops: Double(drops),
      ])
      if report.fellBehind { reading.faults.append(Reading.late) }
      reading.noteDrops(besideTheBuffer: drops)
      return reading
    }
  }

  /// Of the steps after the warm-up, each of which is a window of the link's, in milliseconds.
  private func meanWait(_ path: PathReport) -> Double? {
    let windows = path.windows.prefix(steps).dropFirst(warmUpSteps)
    let segments = windows.reduce(0) { $0 + $1.deliveredSegments }
    let waited = windows.reduce(0.0) {
      $0 + Double($1.deliveredSegments) * $1.queueingDelay.meanMilliseconds
    }
    return segments > 0 ? waited / Double(segments) : nil
  }
}
