import TestbedBaselines
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// TCP flows over a new emulated link, with one scheme, and everything that is measured of them.
package struct FlowTrial: Sendable {
  package var link: LinkConfiguration
  package var flows = 1
  package var seconds: Int
  /// Seconds at the start that do not count.
  package var warmUp: Int
  /// UDP beside the flows.
  package var background = BackgroundTraffic.Pattern.none
  /// `net.ipv4.tcp_ecn` of both ends: 1 where every connection asks for ECN; else the kernel's own 2, with
  /// which it is granted and nobody asks. DCTCP asks always.
  package var asksForECN = false
  /// Seconds between two values of goodput.
  package var interval = 0.1
  /// Where the programs at the two ends are kept.
  package var senderProcessor: Int?
  package var receiverProcessor: Int?
  /// Where the emulator is kept; nil: with the receiver.
  package var emulatorProcessor: Int?

  /// What one trial gave: the figures, and the series that some experiments want.
  package struct Outcome {
    package var reading: Reading
    package var transfer: TransferResult
    package var report: LinkReport
    /// When the background's pattern began, in seconds of the transfer; nil without one.
    package var backgroundBegan: Double?
    /// nil for other schemes.
    package var dctcp: DCTCP.Statistics?
  }

  /// Runs the flows. `meanwhile` is called when the measuring begins; what it does has to end by itself
  /// before the flows do.
  package func run(
    _ steering: Steering, prefix: String, executable: String = LinkEmulator.ownExecutable,
    meanwhile: (Steering) throws -> Void = { _ in }
  ) throws -> Outcome {
    try steering.start(prefix: prefix)
    defer { steering.stop() }
    return try LinkEmulator.with(link, executable: executable) { emulator in
      for end in [emulator.client, emulator.server] {
        try end.set(["net.ipv4.tcp_ecn=\(asksForECN ? 1 : 2)"])
      }
      try steering.prepare(emulator)
      var plan = Transfer.Plan(
        congestion: steering.congestion, flows: flows, seconds: seconds + 1, interval: interval)
      (plan.senderProcessor, plan.receiverProcessor) = (senderProcessor, receiverProcessor)
      try pin(emulator)
      let udp = background.bitsPerSecond > 0 ? try BackgroundTraffic(over: emulator) : nil
      defer { udp?.stop() }
      let followed = udp?.follow(background)
      let transfer = try Transfer(plan, over: emulator)
      defer { transfer.end() }
      try Interruption.sleep(.seconds(warmUp))
      try emulator.beginWindow()
      try steering.beginWindow()
      let before = udp?.read()
      let meter = try ProcessorMeter(["sender": transfer.clientIdentifier])
      let begin = ContinuousClock.now
      try meanwhile(steering)
      try Interruption.sleep(.seconds(seconds - warmUp) - (ContinuousClock.now - begin))
      let shares = try meter.read()
      try emulator.beginWindow()
      let counts = steering.stop()
      let after = udp?.stop()
      let result = try transfer.finish()
      let drops = try emulator.deviceDrops()
      let report = try emulator.stop()
      var reading = try reading(result, report, shares, counts)
      let began = followed.map { transfer.seconds(at: $0) }
      if let before, let after, let began { note(&reading, from: before, to: after, began: began) }
      reading.noteDrops(besideTheBuffer: drops)
      return Outcome(
        reading: reading, transfer: result, report: report, backgroundBegan: began,
        dctcp: steering.dctcpStatistics)
    }
  }
}

extension FlowTrial {
  /// Keeps the emulator to its processor, and what arrives at each end to that end's: a processor is a
  /// machine of its own then.
  private func pin(_ emulator: LinkEmulator) throws {
    if let processor = emulatorProcessor ?? receiverProcessor {
      try ChildProcess.run(["taskset", "-a", "-c", "-p", "\(processor)", "\(emulator.workerIdentifier)"])
    }
    for (end, processor) in [(emulator.client, senderProcessor), (emulator.server, receiverProcessor)] {
      guard let processor, processor < 32 else { continue }
      let mask = String(1 << processor, radix: 16)
      let file = "/sys/class/net/\(LinkEmulator.device)/queues/rx-0/rps_cpus"
      try ChildProcess.run(["ip", "netns", "exec", end.name, "sh", "-c", "echo \(mask) > \(file)"])
    }
  }
}
