import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// iperf3 over one link with a congestion control that is there already.
enum BulkTrial {
  static let share = Metric("share", "share of capacity")
  /// Packets that the devices dropped beside the emulated buffer; anything but 0 spoils the run.
  static let deviceDrops = Metric("device_drops", "packets dropped beside the buffer", places: 0)

  /// Runs one flow, or several equal ones, over a new link; figures are those after the warm-up.
  static func measure(
    _ cell: LinkCell, congestion: String, seconds: Int, warmUp: Int, seed: UInt64, executable: String
  ) throws -> Reading {
    try LinkEmulator.with(cell.link(seed: seed), executable: executable) { link in
      let transfer = try Transfer(
        .init(congestion: congestion, flows: cell.flows, seconds: seconds), over: link)
      try Interruption.sleep(.seconds(warmUp))
      try link.beginWindow()
      try Interruption.sleep(.seconds(seconds - warmUp))
      try link.beginWindow()
      let result = try transfer.finish()
      let drops = try link.deviceDrops()
      let window = try link.stop().forward.measured()
      let (start, end) = (Double(warmUp), Double(seconds))
      let flows = result.flows.map { $0.goodput(from: start, to: end) / 1e6 }
      let goodput = flows.reduce(0, +)
      var reading = Reading([
        FlowMetrics.goodput: goodput, share: goodput / cell.capacityMbps,
        // Flows that got nothing are equal, and nothing to be content with.
        FlowMetrics.jain: goodput > 0 ? Statistics.jain(flows) : 0,
        FlowMetrics.retransmits: Double(result.retransmits),
        FlowMetrics.dropped: Double(window.droppedSegments),
        FlowMetrics.lost: Double(window.lostSegments), deviceDrops: Double(drops),
      ])
      reading.note(Percentiles(window.queueingDelay), FlowMetrics.queue)
      reading.note(Percentiles(result.roundTrips(from: start)), FlowMetrics.roundTrip)
      if window.fellBehind { reading.faults.append(Reading.late) }
      reading.noteDrops(besideTheBuffer: drops)
      return reading
    }
  }
}
