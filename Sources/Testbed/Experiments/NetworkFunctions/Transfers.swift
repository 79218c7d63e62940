import Foundation
import MedullaAccelerators
import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedNF
import TestbedReport

/// An object's way from packets into a tensor, by policy: the studies `netml-fig5` and `netml-fig9`.
enum Transfers {
  /// Where the tensor is.
  enum Device: String, CaseIterable {
    /// A simulated CUDA device with the paper's constants, on its own clock.
    case simulated
    /// This machine's memory, by a chain on real packets.
    case processor
  }

  static let devices = Axis("devices", "device", Device.allCases.map(\.rawValue), "Where the tensor is.")
  static let policies = Axis(
    "policies", "policy", TransferPolicy.allCases.map(\.rawValue), "How pieces get there.")
  static let sizes = Axis(
    "object_kb", "object_kb", [50, 100, 200, 500, 1_000, 2_000], in: 1...4_000, suffix: " KB",
    "Thousands of bytes of an object.")
  static let objects = Setting("objects", 30, .atLeast, in: 1...10_000, "Of each cell; the median counts.")
  static let warmUps = Setting("warm_ups", 3, .atLeast, in: 0...1_000, "Objects before those that count.")
  static let packetBytes = Setting("packet_bytes", 1_024, in: 64...1_400, "Of the object in each packet.")

  static let transfer = Metric("transfer_us", "from the first packet to all on the device", "µs", places: 1)
  static let beyond = Metric("beyond_us", "of it, after the last packet", "µs", places: 1)
  static let processor = Metric("processor_us", "calling processor", "µs", places: 1)
  static let cycles = Metric("kilocycles", "calling processor", "1,000 cycles", places: 1)

  static func at(_ device: Device, _ policy: TransferPolicy, _ size: Int) -> [Match] {
    [devices(device.rawValue), policies(policy.rawValue), sizes(size)]
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[devices].allSatisfy { Device(rawValue: $0) != nil }
        && plan[policies].allSatisfy { TransferPolicy(rawValue: $0) != nil },
      "A device or a policy of the plan is not known.",
      remedy: "Use devices simulated, processor; policies of "
        + "\(TransferPolicy.allCases.map(\.rawValue).joined(separator: ", ")).")
  }

  private static let course = Study.Course.trials(.shuffled) { plan, _ in
    let needsChain = plan[devices].contains(Device.processor.rawValue)
    let clock = needsChain ? ProcessorClock() : nil
    return { cell, _ in
      guard let device = Device(rawValue: cell[devices]),
        let policy = TransferPolicy(rawValue: cell[policies])
      else { return Reading() }
      let bytes = cell[sizes] * 1_000
      guard device == .processor else {
        let simulated = SimulatedTransfer(
          objectBytes: bytes, packetBytes: plan[packetBytes], policy: policy)
        let times = try simulated.times()
        return Reading([
          transfer: (times.transferred - times.first).inSeconds * 1e6,
          beyond: times.transferring.inSeconds * 1e6,
          processor: try simulated.processorTime().inSeconds * 1e6,
        ])
      }
      return try measured(bytes, policy, plan, clock)
    }
  }

  private static func measured(
    _ bytes: Int, _ policy: TransferPolicy, _ plan: StudyPlan, _ clock: ProcessorClock?
  ) throws -> Reading {
    let network = try TransferNetwork(bytes: bytes)
    let bench = try ImageBench(model: network.path, of: network, imageBytes: bytes, threads: 1)
    defer { bench.remove() }
    let all = try bench.times(
      .chain(policy, isCutThrough: true, .yield), packetBytes: plan[packetBytes], images: plan[objects],
      warmUps: plan[warmUps])
    func median(_ value: (ImageTimes) -> Double) -> Double { Statistics.quantile(all.map(value), 0.5) * 1e3 }
    let spent = median { $0.processor ?? 0 }
    return Reading([
      transfer: median { $0.receive + $0.transfer }, beyond: median(\.transfer), processor: spent,
      cycles: clock.map { spent * $0.cyclesPerMicrosecond / 1e3 },
    ])
  }

  static let method = """
    Simulated: packets of 1,024 bytes at 10 Gb/s, each with its headers; a copy call takes 8 µs and a \
    launch 25 µs of the processor as in the paper (§IV-B), the rest of the cost model is ours (PCI Express \
    3.0 with 16 lanes, one core that copies 8 GB/s); the same Swift code as on CUDA runs on the device's \
    own clock, and every repetition gives the same. Processor: real packets from a UDP socket over a veth \
    pair, a chain, and the inference function with a network that looks at one value; the tensor is in this \
    machine's memory, and each policy has its meaning there (docs/use/gpu.md). Times are medians of objects \
    that are sent one after another. A#1 is per-packet, A#2 staged, the paper's own pull.
    """
  static let needs = "Needs root, clang and ONNX Runtime for the processor; four minutes, --quick half one."

  static let keys: [any PlanKey] = [
    devices, sizes, policies, objects, warmUps, packetBytes, Common.repeats.with(3),
  ]
  static let quick: @Sendable (inout StudyPlan) -> Void = {
    ($0[sizes], $0[objects], $0[warmUps], $0[Common.repeats]) = ([50, 500], 3, 1, 1)
  }
  static let cells: @Sendable (StudyPlan) -> [StudyCell] = {
    [StudyCell].one.times(devices, $0).times(sizes, $0).times(policies, $0)
  }

  /// One policy over another at a size, and the least of that over all sizes.
  static func ratio(
    _ name: String, _ metric: Metric, _ device: Device, _ first: TransferPolicy, over second: TransferPolicy,
    _ size: Int
  ) -> Figure {
    Figure(name) { $0.ratio(metric, at(device, first, size), over: at(device, second, size)) }
  }

  static func least(
    _ name: String, _ metric: Metric, _ device: Device, _ first: TransferPolicy, over second: TransferPolicy
  ) -> Figure {
    .byRound(name) { runs in
      let ratios = runs.plan[sizes].map {
        runs.ratio(metric, at(device, first, $0), over: at(device, second, $0))?.value
      }
      return ratios.contains(nil) ? nil : ratios.compactMap { $0 }.min()
    }
  }

  private static let launching = """
    The simulated host copies 8 GB/s and its copy starts after 1.5 µs: staging 500 KB then takes 0.1 ms \
    beyond reception, where the paper's took 0.9. Below 290 KB one launch of 25 µs after the last packets \
    costs more than staging.
    """
  static let fig5 = Study(
    "netml-fig5", "Transfer time of an object by policy and size.",
    discussion: "Five ways into a tensor, simulated and on this machine. \(needs)", method: method,
    paper: PaperFigure(
      "NetML, Figure 5, §IV-A", "500 KB in 500 packets: A#1 more than 4 ms, A#2 1.37 ms, NetML 0.63 ms.",
      "NetML is fastest at all sizes, A#1 slowest."),
    keys: keys, quick: quick, cells: cells, check: check, course: course,
    metrics: [transfer, beyond, processor, cycles],
    figures: [
      ratio("simulated, 500 KB: A#1 over NetML", transfer, .simulated, .perPacket, over: .pull, 500),
      ratio("simulated, 500 KB: A#2 over NetML", transfer, .simulated, .staged, over: .pull, 500),
      least("simulated, every size: A#1 over A#2, least", transfer, .simulated, .perPacket, over: .staged),
      least("simulated, every size: A#2 over NetML, least", transfer, .simulated, .staged, over: .pull),
      least(
        "simulated, every size: pull over resident pull, least", transfer, .simulated, .pull,
        over: .residentPull),
      ratio("processor, 500 KB: A#1 over NetML", transfer, .processor, .perPacket, over: .pull, 500),
      ratio("processor, 500 KB: A#2 over NetML", transfer, .processor, .staged, over: .pull, 500),
    ],
    bounds: [
      Bound("simulated, 500 KB: A#1 over NetML", .atLeast(6.35), .paper("NetML, Figure 5"), by: .interval),
      Bound(
        "simulated, 500 KB: A#2 over NetML", .atLeast(2.17), .paper("NetML, Figure 5"), by: .interval,
        explanation: launching
      ),
      Bound(
        "simulated, every size: A#1 over A#2, least", .atLeast(1), .paper("NetML, Figure 5"), by: .interval),
      Bound(
        "simulated, every size: A#2 over NetML, least", .atLeast(1), .paper("NetML, Figure 5"), by: .interval,
        explanation: launching),
      Bound("simulated, every size: pull over resident pull, least", .atLeast(1), .ours, by: .interval),
      Bound(
        "processor, 500 KB: A#1 over NetML", .atLeast(6.35), .paper("NetML, Figure 5"), by: .interval,
        judged: false),
      Bound(
        "processor, 500 KB: A#2 over NetML", .atLeast(2.17), .paper("NetML, Figure 5"), by: .interval,
        judged: false),
    ],
    plots: Device.allCases.map { device in
      .lines(
        "Until all is on the device, \(device.rawValue)", transfer, over: sizes.part, by: policies.part,
        devices(device.rawValue), x: PlotAxis("object (KB)"), y: PlotAxis("µs", scale: .logarithmic))
    })

  private static let launchingMore = """
    A launch takes 25 µs for 64 packets, which the simulated host copies in 11 µs; what the paper's host \
    took for that is not told.
    """

  static let fig9 = Study(
    "netml-fig9", "What the calling processor spends on an object, by policy and size.",
    discussion: "Five ways into a tensor, simulated and on this machine. \(needs)",
    method: method + """
       The calling processor: simulated, what its calls and copies take; measured, the time of the \
      function's thread without waiting, taking packets apart included, and cycles of the time-stamp \
      counter.
      """,
    paper: PaperFigure(
      "NetML, Figure 9, §IV-B", "A launch takes 25 µs, a copy call 8 µs.",
      "NetML spends least, A#1 most, at all sizes."),
    keys: keys, quick: quick, cells: cells, check: check, course: course,
    metrics: [processor, cycles, transfer],
    figures: [
      least("simulated, every size: A#1 over A#2, least", processor, .simulated, .perPacket, over: .staged),
      least("simulated, every size: A#2 over NetML, least", processor, .simulated, .staged, over: .pull),
      least("simulated, every size: A#1 over NetML, least", processor, .simulated, .perPacket, over: .pull),
      least(
        "simulated, every size: pull over resident pull, least", processor, .simulated, .pull,
        over: .residentPull),
      ratio("processor, 500 KB: A#1 over NetML", processor, .processor, .perPacket, over: .pull, 500),
      ratio("processor, 500 KB: A#2 over NetML", processor, .processor, .staged, over: .pull, 500),
    ],
    // The paper's figure has no numbers in its text: less by a twentieth at least, which alike is not.
    bounds: [
      Bound(
        "simulated, every size: A#1 over A#2, least", .atLeast(1.05), .paper("NetML, Figure 9"), by: .interval
      ),
      Bound(
        "simulated, every size: A#2 over NetML, least", .atLeast(1.05), .paper("NetML, Figure 9"),
        by: .interval,
        explanation: launchingMore),
      Bound(
        "simulated, every size: A#1 over NetML, least", .atLeast(1.05), .paper("NetML, Figure 9"),
        by: .interval),
      Bound("simulated, every size: pull over resident pull, least", .atLeast(1), .ours, by: .interval),
      Bound(
        "processor, 500 KB: A#1 over NetML", .atLeast(1), .paper("NetML, Figure 9"), by: .interval,
        judged: false),
      Bound(
        "processor, 500 KB: A#2 over NetML", .atLeast(1), .paper("NetML, Figure 9"), by: .interval,
        judged: false),
    ],
    plots: Device.allCases.map { device in
      .lines(
        "Calling processor, \(device.rawValue)", processor, over: sizes.part, by: policies.part,
        devices(device.rawValue), x: PlotAxis("object (KB)"), y: PlotAxis("µs", scale: .logarithmic))
    })
}
