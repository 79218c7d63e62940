import Foundation
import MedullaAdaptation
import MedullaClassification
import MedullaCompile
import MedullaDatapath
import MedullaLabels

/// Learning from labels, for classifiers: whose samples say of which flow they are.
package struct LabelsAdapterFactory: AdapterFactory {
  package let name = "labels"

  package init() {}

  package func refusal(of order: AdapterOrder) -> String? {
    guard order.kind != Classifier.name else { return nil }
    return "labels are of a classifier's flows, and \(order.function) is no classifier"
  }

  package func make(_ order: AdapterOrder) throws -> any Adapter {
    guard case .labels(let settings) = order.settings else { throw order.isOfAnotherKind(than: name) }
    let start = order.start
    guard let flows = start.shape.flows, !flows.labels.isEmpty else {
      throw AdaptationError(
        .unsupportedNetwork, "network \(order.network.name) does not name its features and its classes",
        remedy: "compile it with --features FILE and --labels FILE")
    }
    let schema = LabelSchema(
      classes: flows.labels, features: flows.features, facts: LabelSchema.classifierFacts)
    let agents = LabelingAgents(
      settings, schema: schema, for: order, packetFilter: Self.packetFilter(settings, order))
    let place = order.state.map { "\($0)/labels-\(order.function)" }
    let keeper = try Bookkeeper(
      path: place.map { $0 + ".journal" }, classes: flows.labels.count, budgets: agents.budgets)
    return try LabelsAdapter(
      LabelsAdapter.Parts(
        network: order.network, past: start.calibration.samples, schema: schema, keeper: keeper,
        places: agents.places(keeper), path: place.map { $0 + ".json" }, log: order.log,
        reading: Self.facts, answering: Self.answers(order)),
      settings: settings)
  }

  /// What keeps all but a flow's first packets from nDPI; without it a bundle of before goes on, slower.
  private static func packetFilter(_ settings: LabelSettings, _ order: AdapterOrder) -> [UInt8]? {
    guard let programs = order.programs, AdapterSettings.labels(settings).readsPackets else { return nil }
    do {
      return try programs.object(of: Classifier.firstPackets)
    } catch {
      order.log.warning("nDPI is shown every packet: \(error)")
      return nil
    }
  }

  /// Tells the kernel of a flow's class. The instance may be attached anew meanwhile.
  private static func answers(_ order: AdapterOrder) -> (UInt64, Int) -> Void {
    var answers: ClassifierAnswers?
    var hasFailed = false
    return { flow, row in
      do {
        if answers == nil { answers = try ClassifierAnswers(of: InstanceName(order.function), among: .all) }
        try answers?.answer(flow: flow, row: row)
        hasFailed = false
      } catch {
        answers = nil
        if !hasFailed { order.log.warning("an answer did not reach the kernel: \(error)") }
        hasFailed = true
      }
    }
  }

  /// What a classifier's sample says of its flow.
  static func facts(_ sample: FunctionSample, _ batch: Batch) -> LabelsAdapter.FlowFacts? {
    guard let outcome = ClassifierOutcome(sample.outcomes) else { return nil }
    let unit = Double(sign: .plus, exponent: -batch.outputFractionBits, significand: 1)
    return LabelsAdapter.FlowFacts(
      flow: FlowEndpoints(
        source: outcome.source, destination: outcome.destination, sourcePort: outcome.sourcePort,
        destinationPort: outcome.destinationPort, transport: outcome.transport),
      facts: ["packets": Double(outcome.packets), "bytes": Double(outcome.bytes)],
      prediction: outcome.row, margin: Double(outcome.margin) * unit)
  }
}
