import MedullaModel
import MedullaSnapshot

/// The experiment `fig7`: what integers cost in accuracy, over networks, schemes and output scales.
public struct QuantizationLossExperiment: Experiment {
  public static let facts = ExperimentFacts(
    name: "fig7", title: "Quantize networks with several output scales; see what accuracy is lost.",
    discussion: """
      The shipped network and seeded networks of the shapes of Aurora, MOCC, FFNN and a load balancer's MLP, \
      each in three integer schemes. Needs no root and takes a minute; --quick seconds. \
      `--set files=["net.onnx,samples.npy"]` adds a network of your own.
      """,
    method: """
      Mean |integer − float| of the outputs on every fifth sample, which the quantizer does not see, over \
      the width of the float outputs' range. The output scale C is the number of integer steps of one unit \
      (2^bits; the paper's C = 1000 lies at 10 bits). The shipped network is trained and has observations of \
      its policy as samples; the others have weights drawn from N(0, 1/inputs) and normal inputs, and the \
      mean over seeds counts.
      """,
    paper: PaperFigure(
      "Figure 7, §3.1",
      "Without output scaling an output in [0, 1] becomes 0 or 1.",
      "With proper scaling, such as 1000 times, quantization loses 2% accuracy on average."))

  private let plan: QuantizationLossPlan
  private let models: String

  public init(_ plan: QuantizationLossPlan, context: ExperimentContext) throws {
    self.plan = plan
    models = context.models
  }

  public func measure(_ take: (QuantizationLossRun) throws -> Void) throws {
    for (network, seed) in try networks() {
      let calibration = Calibration(samples: network.samples)
      for scheme in plan.schemes.compactMap(QuantizationScheme.init(rawValue:)) {
        for bits in plan.outputBits {
          try Interruption.check()
          let options = QuantizerOptions(scheme: scheme, outputFractionBits: bits)
          let snapshot = try Quantizer(options).quantize(network.network, calibration)
          let report = try AccuracyReport(snapshot, network.network, calibration)
          try take(
            QuantizationLossRun(
              network: network.name, scheme: scheme.rawValue, outputBits: bits, seed: seed,
              parameters: network.network.parameterCount, meanLoss: report.heldOut.meanRelative,
              p99Loss: report.heldOut.p99Relative))
        }
      }
    }
  }

  private func networks() throws -> [(ComparedNetwork, UInt64)] {
    var networks: [(ComparedNetwork, UInt64)] = []
    for kind in plan.networks.compactMap(ComparedNetwork.Kind.init(rawValue:)) {
      guard kind.isDrawn else {
        networks.append((try ComparedNetwork.shipped(directory: models), plan.seed))
        continue
      }
      for round in 0..<plan.repeats {
        let seed = plan.seed &+ UInt64(round) &* 1_000
        networks.append((try kind.drawn(samples: plan.samples, seed: seed), seed))
      }
    }
    for pair in plan.files {
      let parts = pair.split(separator: ",").map(String.init)
      guard parts.count == 2 else {
        throw TestbedError(
          .badParameter, "`\(pair)` is no network and its samples.", remedy: "Write net.onnx,samples.npy.")
      }
      networks.append((try ComparedNetwork.file(parts[0], parts[1]), plan.seed))
    }
    return networks
  }
}
