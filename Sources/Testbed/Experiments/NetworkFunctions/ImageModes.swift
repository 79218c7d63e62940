import MedullaNF
import TestbedLink
import TestbedMeasures
import TestbedNF
import TestbedReport

/// How host and function wait while a network computes on the same processors: the study `nf-image-modes`.
enum ImageModes {
  enum Way: String, CaseIterable {
    case spin, yield, sleep, socket

    var receiver: ImageReceiver {
      PollMode(rawValue: rawValue).map { .chain(.pull, isCutThrough: true, $0) } ?? .socket
    }
  }

  static let ways = Axis("ways", "way", Way.allCases.map(\.rawValue), "Modes of a chain, and a UDP socket.")
  static let packetBytes = 1_024

  private static func at(_ way: Way) -> [Match] { [ways(way.rawValue)] }

  private static func ratio(_ name: String, _ first: Way, over second: Way, _ metric: Metric) -> Figure {
    Figure(name) { $0.ratio(metric, at(first), over: at(second)) }
  }

  static let study = Study(
    "nf-image-modes", "One image through VGG-11, by the mode in which its chain waits.",
    discussion: """
      The network computes on the processors that host and function wait on. Needs root, clang, ONNX \
      Runtime, and onnx and NumPy in .venv (or MEDULLA_PYTHON); five minutes, --quick half one.
      """,
    method: """
      The processor's part of netml-fig10 with 1,024 bytes of an image in each packet, by the pull policy \
      with cut-through, in modes spin, yield and sleep, beside the UDP socket that netml-fig10 has. The \
      engine has its own choice of threads, which share two processors with sender, host and function. \
      Images are sent one after another; the time is from before the first packet is sent to the answer, \
      the median of the images.
      """,
    keys: [ways, ImageInference.images.with(21), ImageInference.warmUps, Common.repeats.with(7)],
    quick: { ($0[ImageInference.images], $0[ImageInference.warmUps], $0[Common.repeats]) = (3, 1, 1) },
    cells: { [StudyCell].one.times(ways, $0) },
    check: { plan in
      try Study.require(
        plan[ways].allSatisfy { Way(rawValue: $0) != nil }, "A way of the plan is not known.",
        remedy: "Use ways of \(Way.allCases.map(\.rawValue).joined(separator: ", ")).")
    },
    course: .trials(.shuffled) { plan, _ in
      let networks = try SeededNetworks([.vgg11], python: PythonInterpreter.path(), seed: plan.seed)
      let bench = try ImageBench(
        model: networks.path(.vgg11), of: networks, imageBytes: SeededNetworks.Name.vgg11.imageBytes)
      return { cell, _ in
        guard let way = Way(rawValue: cell[ways]) else { return Reading() }
        let all = try bench.times(
          way.receiver, packetBytes: packetBytes, images: plan[ImageInference.images],
          warmUps: plan[ImageInference.warmUps])
        return ImageInference.reading(all)
      }
    },
    metrics: ImageInference.metrics,
    figures: [
      ratio("sleep over a socket", .sleep, over: .socket, ImageInference.total),
      ratio("yield over a socket", .yield, over: .socket, ImageInference.total),
      ratio("spin over sleep: the network's time", .spin, over: .sleep, ImageInference.compute),
      ratio("yield over sleep: the network's time", .yield, over: .sleep, ImageInference.compute),
    ],
    bounds: [
      Bound("sleep over a socket", .atMost(0.8), .ours, by: .interval),
      Bound("spin over sleep: the network's time", .atLeast(1.05), .ours, by: .interval),
      Bound("yield over sleep: the network's time", .atLeast(1.05), .ours, by: .interval),
      Bound("yield over a socket", .atMost(0.8), .ours, by: .interval, judged: false),
    ],
    plots: [
      .bars("First packet to answer", ImageInference.total), .bars("Network", ImageInference.compute),
    ])
}
