import MedullaBase
import TestbedReport

extension ImageInference {
  private static func plots(_ what: String) -> [PlotRecipe] {
    Transfers.Device.allCases.map { device in
      .lines(
        "\(what), \(device.rawValue)", total, over: packets.part, by: ways.part,
        Transfers.devices(device.rawValue), x: PlotAxis("bytes of the image in a packet"), y: PlotAxis("ms"))
    }
  }

  private static let needs = """
    Needs root, clang, ONNX Runtime, and onnx and NumPy in .venv (or MEDULLA_PYTHON); fifteen minutes, \
    --quick half one.
    """

  static let fig10 = Study(
    "netml-fig10", "One image through VGG-11, by policy and packet size.",
    discussion: "VGG-11 at 224×224 with drawn weights, simulated and on this machine. \(needs)",
    method: method,
    paper: PaperFigure(
      "NetML, Figure 10, §IV-D", "NetML 4.3 ms at all packet sizes, A#2 5.5 ms, A#1 up to 12.3 ms.",
      "A#1 gains from larger packets, and stays slower."),
    keys: keys, quick: quick, cells: cells, check: check, course: course(vgg), metrics: metrics,
    figures: [
      ratio("simulated, 256 B: A#1 over NetML", .simulated, .perPacket, over: .pull, 256),
      ratio("simulated, 1024 B: A#1 over NetML", .simulated, .perPacket, over: .pull, 1_024),
      ratio("simulated, 1024 B: A#2 over NetML", .simulated, .staged, over: .pull, 1_024),
      spread("simulated: NetML over packet sizes, most over least", .simulated, .pull),
      ratio("processor, 1024 B: NetML over a socket", .processor, .pull, over: .socket, 1_024),
      ratio("processor, 256 B: NetML over a socket", .processor, .pull, over: .socket, 256),
      ratio("processor, 256 B: A#1 over NetML", .processor, .perPacket, over: .pull, 256),
      ratio("processor, 1024 B: A#2 over NetML", .processor, .staged, over: .pull, 1_024),
      ratio("processor, 1024 B: without cut-through over with", .processor, .pullWhole, over: .pull, 1_024),
      ratio("simulated, 1024 B: without cut-through over with", .simulated, .pullWhole, over: .pull, 1_024),
    ],
    bounds: [
      Bound("simulated, 256 B: A#1 over NetML", .atLeast(2.86), .paper("NetML, Figure 10"), by: .interval),
      Bound("simulated, 1024 B: A#1 over NetML", .atLeast(1), .paper("NetML, Figure 10"), by: .interval),
      Bound("simulated, 1024 B: A#2 over NetML", .atLeast(1.28), .paper("NetML, Figure 10"), by: .interval),
      Bound(
        "simulated: NetML over packet sizes, most over least", .atMost(1.1), .paper("NetML, Figure 10"),
        by: .interval),
      Bound("processor, 1024 B: NetML over a socket", .atMost(0.8), .ours, by: .interval),
      Bound("processor, 256 B: NetML over a socket", .atMost(0.8), .ours, by: .interval, judged: false),
      Bound(
        "processor, 256 B: A#1 over NetML", .atLeast(2.86), .paper("NetML, Figure 10"), by: .interval,
        judged: false),
      Bound(
        "processor, 1024 B: A#2 over NetML", .atLeast(1.28), .paper("NetML, Figure 10"), by: .interval,
        judged: false),
      Bound("simulated, 1024 B: without cut-through over with", .atLeast(1), .ours, by: .interval),
    ],
    plots: plots("One image through VGG-11"))

  static let fig11 = Study(
    "netml-fig11", "One image through the layers of Tiny YOLO, by policy and packet size.",
    discussion:
      "Tiny YOLO v2's layers at 416×416 with drawn weights, simulated and on this machine. \(needs)",
    method: method,
    paper: PaperFigure(
      "NetML, Figure 11, §IV-D", "At the largest packets: NetML 4.7 ms, A#2 5.9 ms, A#1 8.1 ms."),
    keys: keys, quick: quick, cells: cells, check: check, course: course(yolo), metrics: metrics,
    figures: [
      ratio("simulated, 1024 B: A#1 over NetML", .simulated, .perPacket, over: .pull, 1_024),
      ratio("simulated, 1024 B: A#2 over NetML", .simulated, .staged, over: .pull, 1_024),
      ratio("processor, 1024 B: NetML over a socket", .processor, .pull, over: .socket, 1_024),
      ratio("processor, 256 B: NetML over a socket", .processor, .pull, over: .socket, 256),
      ratio("processor, 1024 B: A#1 over NetML", .processor, .perPacket, over: .pull, 1_024),
      ratio("processor, 1024 B: A#2 over NetML", .processor, .staged, over: .pull, 1_024),
      ratio("simulated, 1024 B: without cut-through over with", .simulated, .pullWhole, over: .pull, 1_024),
    ],
    bounds: [
      Bound("simulated, 1024 B: A#1 over NetML", .atLeast(1.72), .paper("NetML, Figure 11"), by: .interval),
      Bound("simulated, 1024 B: A#2 over NetML", .atLeast(1.26), .paper("NetML, Figure 11"), by: .interval),
      Bound("processor, 1024 B: NetML over a socket", .atMost(0.8), .ours, by: .interval),
      Bound("processor, 256 B: NetML over a socket", .atMost(0.8), .ours, by: .interval, judged: false),
      Bound(
        "processor, 1024 B: A#1 over NetML", .atLeast(1.72), .paper("NetML, Figure 11"), by: .interval,
        judged: false),
      Bound(
        "processor, 1024 B: A#2 over NetML", .atLeast(1.26), .paper("NetML, Figure 11"), by: .interval,
        judged: false),
      Bound("simulated, 1024 B: without cut-through over with", .atLeast(1), .ours, by: .interval),
    ],
    plots: plots("One image through Tiny YOLO's layers"))

  private static func share(_ name: String, _ device: Transfers.Device, _ way: Way) -> Figure {
    .byRound(name) { runs in
      guard let part = runs.mean(transfer, at(device, way, 1_024)),
        let all = runs.mean(total, at(device, way, 1_024)), all > 0
      else { return nil }
      return part / all
    }
  }

  static let fig12 = Study(
    "netml-fig12", "Where the time of one image through VGG-11 goes: receive, transfer, compute.",
    discussion: "As netml-fig10 with the largest packets. \(needs)", method: method,
    paper: PaperFigure(
      "NetML, Figure 12, §IV-D", "Receiving and computing take the same by all policies.",
      "By A#1 the transfer takes more than half of the time; by NetML the least."),
    keys: [
      Transfers.devices, packets.with([1_024]), ways, images, warmUps, Common.repeats.with(5),
    ],
    quick: { ($0[images], $0[warmUps], $0[Common.repeats]) = (3, 1, 1) },
    cells: cells, check: check, course: course(vgg), metrics: metrics,
    figures: [
      share("simulated: A#1's transfer over the whole", .simulated, .perPacket),
      Figure("simulated: A#2's transfer less NetML's") {
        $0.difference(
          transfer, at(.simulated, .staged, 1_024), less: at(.simulated, .pull, 1_024))
      },
      Figure("simulated: A#1's transfer less NetML's") {
        $0.difference(
          transfer, at(.simulated, .perPacket, 1_024), less: at(.simulated, .pull, 1_024))
      },
      share("processor: NetML's transfer over the whole", .processor, .pull),
      share("processor: A#2's transfer over the whole", .processor, .staged),
      ratio(
        "processor: network by A#1 over network by NetML", .processor, .perPacket, over: .pull, 1_024, compute
      ),
    ],
    bounds: [
      Bound(
        "simulated: A#1's transfer over the whole", .atLeast(0.5), .paper("NetML, Figure 12"), by: .interval),
      Bound("simulated: A#2's transfer less NetML's", .atLeast(0), .paper("NetML, Figure 12"), by: .interval),
      Bound("simulated: A#1's transfer less NetML's", .atLeast(0), .paper("NetML, Figure 12"), by: .interval),
      Bound("processor: NetML's transfer over the whole", .atMost(0.05), .ours, by: .interval),
    ],
    plots: [
      .bars("Receive, 1,024 bytes a packet", receive, by: Transfers.devices.part),
      .bars("Transfer beyond reception", transfer, by: Transfers.devices.part),
      .bars("Network", compute, by: Transfers.devices.part),
    ])
}
