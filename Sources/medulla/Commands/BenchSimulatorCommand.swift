import ArgumentParser
import Foundation
import MedullaBase
import MedullaLearning
import MedullaModel

/// `medulla bench simulator`.
struct BenchSimulatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulator",
    abstract: "Measure how many packets a second the congestion simulator carries on one core.",
    discussion: """
      One flow on a link of the given rate and 40 ms, one bandwidth-delay product of buffer; the network \
      decides once a round trip in floating point. Compare figures of one machine only.
      """)

  @Option(help: "Rate of the simulated link in Mbit/s.")
  var rate = 100.0
  @Option(help: "Simulated seconds.")
  var seconds = 600.0
  @Option(help: ArgumentHelp("The network that steers.", valueName: "file"))
  var model = "models/aurora-medulla.onnx"
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if !(0.1...100_000).contains(rate) { throw ValidationError("--rate must be 0.1 to 100000.") }
    if !(1...100_000).contains(seconds) { throw ValidationError("--seconds must be 1 to 100000.") }
  }

  private struct Figures: Encodable {
    let packets: Int64
    let seconds: Double
    let packetsPerSecond: Double
  }

  func run() throws {
    let policy = AuroraEvaluation.policy(try ONNXReader.read(contentsOf: model))
    let link = AuroraEvaluation.Case.make(rate * 1e6, 0.04).link
    let simulator = try CongestionSimulator(link, configuration: AuroraEvaluation.configuration()) {
      policy($1)
    }
    let clock = ContinuousClock()
    let elapsed = clock.measure { simulator.run(until: seconds) }
    let spent = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let packets = simulator.linkCounts.accepted
    let figures = Figures(packets: packets, seconds: spent, packetsPerSecond: Double(packets) / spent)
    guard json else {
      print(
        String(
          format: "%lld packets in %.2f s: %.1f million packets a second on one core", packets, spent,
          figures.packetsPerSecond / 1e6))
      return
    }
    print(try JSONText.encode(figures))
  }
}
