import MedullaAccelerators
import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedNF
import TestbedReport

/// Images in packets through a network: the studies `netml-fig10`, `netml-fig11` and `netml-fig12`.
enum ImageInference {
  /// Who brings the packets to the network.
  enum Way: String, CaseIterable {
    case perPacket = "per-packet", staged, batchedCopy = "batched-copy", pull
    case residentPull = "resident-pull"
    /// Pull, and only when the image is whole.
    case pullWhole = "pull-whole"
    /// A UDP socket and a copy for each packet, as a user would write it.
    case socket

    var receiver: ImageReceiver {
      switch self {
      case .socket: .socket
      case .pullWhole: .chain(.pull, isCutThrough: false, .yield)
      default: .chain(policy, isCutThrough: true, .yield)
      }
    }

    var policy: TransferPolicy { TransferPolicy(rawValue: rawValue) ?? .pull }
  }

  typealias Device = Transfers.Device

  static let ways = Axis("ways", "way", Way.allCases.map(\.rawValue), "Who brings packets to the network.")
  static let packets = Axis(
    "packet_bytes", "packet", [256, 512, 768, 1_024], in: 64...1_400, suffix: " B",
    "Bytes of the image in each packet.")
  static let images = Setting("images", 11, .atLeast, in: 1...10_000, "Of each cell; the median counts.")
  static let warmUps = Setting("warm_ups", 3, .atLeast, in: 0...1_000, "Images before those that count.")

  static let total = Metric("total_ms", "first packet to answer", "ms", places: 2)
  static let receive = Metric("receive_ms", "receive", "ms", places: 2)
  static let transfer = Metric("transfer_ms", "transfer beyond reception", "ms", places: 3)
  static let compute = Metric("compute_ms", "network", "ms", places: 2)

  static func at(_ device: Device, _ way: Way, _ packet: Int) -> [Match] {
    [Transfers.devices(device.rawValue), ways(way.rawValue), packets(packet)]
  }

  static func ratio(
    _ name: String, _ device: Device, _ first: Way, over second: Way, _ packet: Int, _ metric: Metric = total
  ) -> Figure {
    Figure(name) { $0.ratio(metric, at(device, first, packet), over: at(device, second, packet)) }
  }

  /// Of a network: which, and what the paper measured on the device alone (Table I), which is what the
  /// simulated one takes.
  struct Subject: Sendable {
    let network: SeededNetworks.Name
    let onDevice: Duration
  }

  static let vgg = Subject(network: .vgg11, onDevice: .microseconds(3_950))
  static let yolo = Subject(network: .tinyYolo, onDevice: .microseconds(4_680))

  static func course(_ subject: Subject) -> Study.Course {
    .trials(.shuffled) { plan, _ in
      let isMeasured = plan[Transfers.devices].contains(Device.processor.rawValue)
      let networks =
        isMeasured
        ? try SeededNetworks([subject.network], python: PythonInterpreter.path(), seed: plan.seed) : nil
      let bench = try networks.map {
        try ImageBench(
          model: $0.path(subject.network), of: $0, imageBytes: subject.network.imageBytes)
      }
      return { cell, _ in
        guard let way = Way(rawValue: cell[ways]) else { return Reading() }
        guard cell[Transfers.devices] == Device.processor.rawValue, let bench else {
          return try simulated(subject, way, cell[packets])
        }
        return reading(
          try bench.times(
            way.receiver, packetBytes: cell[packets], images: plan[images], warmUps: plan[warmUps]))
      }
    }
  }

  /// Of the median of images, each part by itself.
  static func reading(_ all: [ImageTimes]) -> Reading {
    func median(_ value: (ImageTimes) -> Double) -> Double { Statistics.quantile(all.map(value), 0.5) }
    return Reading([
      total: median(\.total), receive: median(\.receive), transfer: median(\.transfer),
      compute: median(\.compute),
    ])
  }

  private static func simulated(_ subject: Subject, _ way: Way, _ packet: Int) throws -> Reading {
    var simulated = SimulatedTransfer(
      objectBytes: subject.network.imageBytes, packetBytes: packet, policy: way.policy)
    simulated.compute = subject.onDevice
    simulated.isCutThrough = way != .pullWhole
    let times = try simulated.times()
    func milliseconds(_ time: Duration) -> Double { time.inSeconds * 1e3 }
    return Reading([
      total: milliseconds(times.total), receive: milliseconds(times.receiving),
      transfer: milliseconds(times.transferring), compute: milliseconds(times.computing),
    ])
  }

  static let method = """
    Simulated: the paper's arrangement with its constants, as netml-fig5 has it; the network takes what the \
    paper measured on its GPU alone (Table I). Processor: images from a UDP socket over a veth pair into the \
    inference function, ONNX Runtime with its own choice of threads, which share two processors with sender \
    and host; weights are drawn, not trained, so answers mean nothing and times are those of the real \
    network. The socket receives each datagram into a buffer, copies its payload to its place, and runs the \
    same engine on the same file when all are there. Images are sent one after another; the time is from \
    before the first packet is sent to the answer, the median of the images. pull-whole is pull without \
    cut-through.
    """

  static let keys: [any PlanKey] = [
    Transfers.devices, packets, ways, images, warmUps, Common.repeats.with(5),
  ]
  static let quick: @Sendable (inout StudyPlan) -> Void = {
    ($0[packets], $0[images], $0[warmUps], $0[Common.repeats]) = ([1_024], 3, 1, 1)
  }
  /// The simulated device has no socket.
  static let cells: @Sendable (StudyPlan) -> [StudyCell] = { plan in
    [StudyCell].one.times(Transfers.devices, plan).times(packets, plan).times(ways, plan).filter {
      $0[Transfers.devices] == Device.processor.rawValue || $0[ways] != Way.socket.rawValue
    }
  }
  static let check: @Sendable (StudyPlan) throws -> Void = { plan in
    try Study.require(
      plan[Transfers.devices].allSatisfy { Device(rawValue: $0) != nil }
        && plan[ways].allSatisfy { Way(rawValue: $0) != nil },
      "A device or a way of the plan is not known.",
      remedy: "Use ways of \(Way.allCases.map(\.rawValue).joined(separator: ", ")).")
  }
  static let metrics = [total, receive, transfer, compute]

  /// The largest of the packet sizes' totals over the least.
  static func spread(_ name: String, _ device: Device, _ way: Way) -> Figure {
    .byRound(name) { runs in
      let means = runs.plan[packets].compactMap { runs.mean(total, at(device, way, $0)) }
      guard means.count == runs.plan[packets].count, let most = means.max(), let least = means.min(),
        least > 0
      else { return nil }
      return most / least
    }
  }
}
