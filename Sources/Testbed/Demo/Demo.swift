import Foundation
import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// The demonstration on the kernel's TCP: one link, three congestion controls, a swap in mid-flow.
package struct Demo {
  private static let interval = 0.2
  private static let secondPort = Iperf3.port + 1

  private let plan: DemoPlan
  private let executable: String
  private let tell: (String) -> Void

  /// - Parameter executable: the `medulla` program, which carries the link.
  package init(
    _ plan: DemoPlan = DemoPlan(), executable: String = LinkEmulator.ownExecutable,
    tell: @escaping (String) -> Void
  ) {
    self.plan = plan
    self.executable = executable
    self.tell = tell
  }

  /// Runs all of it; leaves nothing in the kernel whatever happens.
  package func run(_ steering: some DemoSteering) throws -> DemoOutcome {
    let baselines = plan.baselines.filter { CongestionControls.available().contains($0) }
    for missing in plan.baselines where !baselines.contains(missing) {
      tell("This kernel has no \(missing); it is left out.")
    }
    tell("Link: \(plan.cell.label), \(plan.cell.bufferBytes) bytes of buffer.")
    tell("Attaching the network as congestion control `\(steering.congestion)`.")
    try steering.attach()
    defer { steering.detach() }
    var runs = try ([steering.congestion] + baselines).map { name in
      tell("iperf3 -C \(name), \(plan.seconds) s")
      return try compare(name)
    }
    let slots = try steering.slots()
    runs[0].nsPerInference = meanInference(slots)
    runs[0].nsPerInferenceLeast = slots.compactMap(\.leastNanoseconds).min()
    let beside =
      CongestionControls.available().contains(plan.rival) ? try besideRival(steering) : nil
    let swap = try swapInMidFlow(steering)
    tell("One inference alone, by test run")
    let inference = try steering.benchmark()
    return DemoOutcome(
      plan: plan, host: HostFacts.read(), datapath: "kernel", reason: nil, runs: runs, beside: beside,
      swap: swap,
      inference: inference)
  }

  private func compare(_ congestion: String) throws -> DemoOutcome.Run {
    try LinkEmulator.with(plan.cell.link(seed: 1), executable: executable) { link in
      let sampler = SocketSampler(link.client)
      let transfer = try Transfer(
        .init(congestion: congestion, seconds: plan.seconds, interval: Self.interval), over: link)
      sampler.start()
      var samples: [SocketSample] = []
      do {
        defer { samples = sampler.stop() }
        try Interruption.sleep(.seconds(plan.warmUp))
        try link.beginWindow()
        try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
        try link.beginWindow()
      }
      let result = try transfer.finish()
      let ports = Set(result.flows.map(\.port))
      let rtt = samples.filter { ports.contains($0.localPort) }.compactMap { sample in
        sample.rttMilliseconds.map { TimedValue(transfer.seconds(at: sample.timeNanoseconds), $0) }
      }
      return try summary(result, rtt: rtt, report: link.stop())
    }
  }

  private func summary(
    _ result: TransferResult, rtt: [TimedValue], report: LinkReport
  ) -> DemoOutcome.Run {
    let window = report.forward.windows.dropFirst().first
    let steady = rtt.filter { $0.time >= Double(plan.warmUp) && $0.time <= Double(plan.seconds) }.map(\.value)
    return DemoOutcome.Run(
      congestion: result.congestion,
      goodputMbps: result.goodput(from: Double(plan.warmUp), to: Double(plan.seconds)) / 1e6,
      rttMeanMs: Statistics.mean(steady), rttP95Ms: Statistics.quantile(steady, 0.95),
      queueingDelayMeanMs: window?.queueingDelay.meanMilliseconds ?? 0, retransmits: result.retransmits,
      nsPerInference: nil, nsPerInferenceLeast: nil, rate: result.flows.flatMap { Self.series($0, from: 0) },
      rtt: rtt,
      fellBehind: report.fellBehind)
  }

  private func swapInMidFlow(_ steering: some DemoSteering) throws -> DemoOutcome.Swap {
    tell("iperf3 -C \(steering.congestion), \(plan.swapSeconds) s; new snapshot after \(plan.swapAt) s")
    return try LinkEmulator.with(plan.cell.link(seed: 1), executable: executable) { link in
      let first = try Transfer(
        .init(congestion: steering.congestion, seconds: plan.swapSeconds, interval: Self.interval), over: link
      )
      try Interruption.sleep(.seconds(plan.swapAt))
      let before = try steering.slots()
      let time = first.seconds(at: MonotonicClock.nanoseconds)
      let took = try steering.swap()
      tell("Swapped in \(decimal(took.inSeconds * 1000, 1)) ms; the running flow stays on its snapshot.")
      try Interruption.sleep(.seconds(plan.secondFlowAt - plan.swapAt))
      let second = try Transfer(
        .init(
          congestion: steering.congestion, seconds: plan.swapSeconds - plan.secondFlowAt - 1,
          interval: Self.interval, port: Self.secondPort), over: link)
      try Interruption.sleep(.seconds((plan.swapSeconds - plan.secondFlowAt) / 2))
      let after = try steering.slots()
      let offset = first.seconds(at: second.startNanoseconds)
      let results = try (first.finish(), second.finish())
      return DemoOutcome.Swap(
        time: time, secondFlowTime: offset, milliseconds: took.inSeconds * 1000, before: before,
        after: after, first: results.0.flows.flatMap { Self.series($0, from: 0) },
        second: results.1.flows.flatMap { Self.series($0, from: offset) },
        retransmits: results.0.retransmits + results.1.retransmits)
    }
  }

  private func besideRival(_ steering: some DemoSteering) throws -> DemoOutcome.Beside {
    tell(
      "iperf3 -C \(steering.congestion), \(plan.besideSeconds) s; one of \(plan.rival) from "
        + "\(plan.rivalFrom) to \(plan.rivalUntil) s")
    return try LinkEmulator.with(plan.cell.link(seed: 1), executable: executable) { link in
      let own = try Transfer(
        .init(congestion: steering.congestion, seconds: plan.besideSeconds, interval: Self.interval),
        over: link)
      try Interruption.sleep(.seconds(plan.rivalFrom / 2))
      try link.beginWindow()
      try Interruption.sleep(.seconds(plan.rivalFrom - plan.rivalFrom / 2))
      let rival = try Transfer(
        .init(
          congestion: plan.rival, seconds: plan.rivalUntil - plan.rivalFrom, interval: Self.interval,
          port: Self.secondPort), over: link)
      try link.beginWindow()
      try Interruption.sleep(.seconds(plan.rivalSettled))
      try link.beginWindow()
      let theirs = try rival.finish()
      try link.beginWindow()
      let from = own.seconds(at: rival.startNanoseconds)
      let until = from + Double(plan.rivalUntil - plan.rivalFrom)
      try Interruption.sleep(.seconds(Self.settling))
      try link.beginWindow()
      let ours = try own.finish()
      let report = try link.stop()
      // Windows: the start, before, joining, beside, leaving, after.
      let queues = report.forward.windows.map(\.queueingDelay.meanMilliseconds)
      let (settled, over) = (from + Double(plan.rivalSettled), Double(plan.besideSeconds))
      return DemoOutcome.Beside(
        rival: plan.rival, from: from, until: until,
        ownMbps: ours.goodput(from: settled, to: until) / 1e6,
        rivalMbps: theirs.goodput(from: Double(plan.rivalSettled), to: until - from) / 1e6,
        afterMbps: ours.goodput(from: min(until + Double(Self.settling), over - 1), to: over) / 1e6,
        queueBeforeMs: queues[1], queueBesideMs: queues[3], queueAfterMs: queues[5],
        own: ours.flows.flatMap { Self.series($0, from: 0) },
        other: theirs.flows.flatMap { Self.series($0, from: from) }, fellBehind: report.fellBehind)
    }
  }

  /// Seconds after which a rival's leaving no longer counts.
  private static let settling = 4

  /// Goodput in Mbit/s at the middle of each interval.
  private static func series(_ flow: FlowResult, from offset: Double) -> [TimedValue] {
    flow.received.map { TimedValue(offset + ($0.start + $0.end) / 2, $0.bitsPerSecond / 1e6) }
  }

  private func meanInference(_ slots: [DemoSlot]) -> Double? {
    let measured = slots.filter { $0.nanosecondsPerInference != nil && $0.inferences > 0 }
    let count = measured.reduce(0) { $0 + Double($1.inferences) }
    guard count > 0 else { return nil }
    return measured.reduce(0) { $0 + ($1.nanosecondsPerInference ?? 0) * Double($1.inferences) } / count
  }
}
