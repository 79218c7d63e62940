import Foundation
import Logging
import MedullaBase
import MedullaDatapath
import MedullaLabels
import MedullaLearning
import MedullaModel
import MedullaRetraining

/// Keeps a classifier right by labels that agents give of a part of its flows: it asks, merges what comes,
/// follows how good the network still is, and trains it anew when it must.
///
/// Agents work on threads of their own: a batch never waits for them, and labels that come late count in the
/// window in which they come. What was learned, asked and spent outlives a kill at any time.
package final class LabelsAdapter: Adapter {
  /// What a sample says beside its inputs; nil: it is of no flow that can be asked about.
  package typealias FlowReading = (FunctionSample, Batch) -> FlowFacts?

  /// Of one decided flow.
  package struct FlowFacts {
    package let flow: FlowEndpoints
    package let facts: [String: Double]
    /// nil: the network was unsure.
    package let prediction: Int?
    package let margin: Double

    package init(flow: FlowEndpoints, facts: [String: Double], prediction: Int?, margin: Double) {
      (self.flow, self.facts) = (flow, facts)
      (self.prediction, self.margin) = (prediction, margin)
    }
  }

  /// What an adapter of labels is made of.
  package struct Parts {
    package let network: Network
    /// Inputs that are known, such as those it was calibrated by.
    package let past: [[Float]]
    package let schema: LabelSchema
    /// Keeps what is asked and spent.
    package let keeper: Bookkeeper
    /// The agents, as the settings have them.
    package let places: [AgentDesk.Place]
    /// Of what was learned; nil: it does not outlive this process.
    package let path: String?
    package let reading: FlowReading
    /// Tells the datapath of a flow's class: the flow's number in the instance, and the class's place.
    package let answering: (_ flow: UInt64, _ row: Int) -> Void
    package let log: Logger

    package init(
      network: Network, past: [[Float]], schema: LabelSchema, keeper: Bookkeeper,
      places: [AgentDesk.Place], path: String?, log: Logger, reading: @escaping FlowReading,
      answering: @escaping (_ flow: UInt64, _ row: Int) -> Void = { _, _ in }
    ) {
      (self.network, self.past, self.schema) = (network, past, schema)
      (self.keeper, self.places, self.path) = (keeper, places, path)
      (self.log, self.reading, self.answering) = (log, reading, answering)
    }
  }

  package let inputs: Int
  package let outputs: Int
  private let name: String
  private let hasSoftmax: Bool
  private let settings: LabelSettings
  private let schema: LabelSchema
  private let reading: FlowReading
  private let keeper: Bookkeeper
  private let desk: AgentDesk
  private let cascade: CascadeDesk?
  private let store: LabelStore
  private let log: Logger
  private var intake: LabelIntake
  private var classifier: OnlineClassifier
  private var selection: FlowSelection
  private var allowance: FlowAllowance
  private var plan = QuestionPlan()
  /// Decisions of this snapshot and those before it are of a network that a training has replaced; nil: none.
  private var outdated: UInt64?
  private var window: [LabelRequest] = []
  /// Samples that were learned from and are written down as such no later than at `due`.
  private var closing: [UInt64] = []
  private var due: Duration?
  private var counts = Counts()

  private struct Counts {
    var flows = 0
    var asked = 0
    var trained = 0
    var refused = 0
    var proxy: ProxyReading?
  }

  /// - Throws: `unsupportedNetwork` when the network cannot be trained natively, `badSettings`.
  package init(_ parts: Parts, settings: LabelSettings) throws {
    (self.settings, schema, reading) = (settings, parts.schema, parts.reading)
    name = parts.network.name
    hasSoftmax = parts.network.layers.last == .softmax
    (keeper, log) = (parts.keeper, parts.log)
    let dense = try Self.trainable(parts.network, classes: parts.schema.classes)
    (inputs, outputs) = (dense.inputs, dense.outputs)
    store = LabelStore(path: parts.path)
    let before = try store.read(parts.schema)
    let online = Self.online(settings)
    classifier =
      if let before {
        try OnlineClassifier(dense, continuing: before.learned, settings: online)
      } else {
        try OnlineClassifier(dense, past: parts.past, settings: online)
      }
    if settings.baselineMargin != nil { classifier.keepBaseline(dense) }
    if classifier.integers == nil {
      parts.log.warning(
        "the integers of \(parts.network.name) are not proven: until a training it is judged by its floats")
    }
    // What was learned from just before a kill is not learned from again.
    if let before { parts.keeper.close(before.closing) }
    intake = LabelIntake(
      settings, classes: dense.outputs, before: before?.merging, given: before?.given ?? [])
    selection = try FlowSelection(seed: settings.seed)
    allowance = FlowAllowance(share: settings.share)
    let delivered = CascadeDesk.Deliveries()
    cascade = settings.cascade.map {
      CascadeDesk(agent: $0, delivered: delivered, answering: parts.answering)
    }
    desk = try AgentDesk(parts.places, classes: dense.outputs) { [keeper = parts.keeper] labels in
      keeper.note(labels)
      if let agent = settings.cascade { delivered.add(labels.filter { $0.agent == agent }) }
    }
  }

  private static func online(_ settings: LabelSettings) -> OnlineClassifier.Settings {
    var online = OnlineClassifier.Settings()
    (online.seed, online.memory) = (settings.seed, settings.memory)
    (online.trigger.policy, online.trigger.margin) = (settings.policy, settings.margin)
    online.usesBaseline = settings.baselineMargin != nil
    online.trigger.baselineMargin = settings.baselineMargin ?? online.trigger.baselineMargin
    return online
  }

  private static func trainable(_ network: Network, classes: [String]) throws -> DenseNetwork {
    let dense: DenseNetwork
    do {
      let layers = network.layers.last == .softmax ? Array(network.layers.dropLast()) : network.layers
      dense = try DenseNetwork(
        Network(
          name: network.name, inputName: network.inputName, outputName: network.outputName,
          inputShape: network.inputShape, layers: layers))
    } catch let error as LearningError {
      throw AdaptationError(.unsupportedNetwork, error.message, remedy: error.remedy)
    }
    guard dense.outputs == classes.count, dense.outputs > 1 else {
      throw AdaptationError(
        .unsupportedNetwork,
        "network \(network.name) has \(dense.outputs) outputs and \(classes.count) classes",
        remedy: "compile it with --labels FILE, a class for each output")
    }
    return dense
  }

  package func freeze() throws -> Network {
    let dense = try classifier.folded.network(name: name)
    guard hasSoftmax else { return dense }
    return try Network(
      name: name, inputName: dense.inputName, outputName: dense.outputName, inputShape: dense.inputShape,
      layers: dense.layers + [.softmax])
  }

  package func evaluate(_ rows: [[Float]]) throws -> [[Float]] {
    let network = classifier.folded
    return try rows.map { row in
      guard row.count == inputs else {
        throw AdaptationError(
          .badBatch, "an input has \(row.count) values; network \(name) takes \(inputs)")
      }
      let outputs = network(row)
      return hasSoftmax ? SupervisedAdapter.softmax(outputs) : outputs
    }
  }

  package var decidesUpdates: Bool { true }
  package var tellsRewards: Bool { true }

  package func adapt(_ batch: Batch) throws -> Progress {
    for (sample, input) in zip(batch.samples, batch.inputs) { try note(sample, input, of: batch) }
    cascade?.carry()
    closing += intake.take(from: keeper) { [desk] in desk.ask([$0], of: [$1]) }
    var retrains: [RetrainRecord] = []
    while window.count >= settings.window {
      let flows = Array(window.prefix(settings.window))
      window.removeFirst(settings.window)
      ask(flows)
      if let record = try learn(flows) { retrains.append(record) }
    }
    keepLearned(isUrgent: !retrains.isEmpty)
    var progress = Progress(
      stability: Self.settled, figures: figures, retrains: retrains, agents: reports)
    progress.isReady = retrains.contains { $0.outcome == .trained }
    progress.rewards = intake.handRewards()
    progress.hasMore = !closing.isEmpty || intake.hasMore || keeper.book.count > 0
    return progress
  }

  /// The network only changes by a training, which has ended when it is told of.
  private static let settled = 1.0
  /// How long what was learned may wait to be written.
  private static let writingInterval = Duration.seconds(1)
  private static let closingLimit = 8_192

  package func noteRollback() {
    classifier.takeBack()
    outdated = nil
  }

  package func take(_ label: GivenLabel) throws -> String {
    guard let row = schema.place(of: label.label) else {
      throw AdaptationError(
        .badBatch, "there is no class \(label.label)",
        remedy: "there are: \(schema.classes.joined(separator: ", "))")
    }
    guard label.features.count == inputs else {
      throw AdaptationError(
        .badBatch, "that flow was decided by a network of \(label.features.count) inputs, not \(inputs)")
    }
    intake.give(
      OnlineClassifier.LabelledFlow(
        features: label.features, prediction: label.prediction, label: row, inclusion: 1, labelError: 0))
    // Whoever gave it is told that it is kept.
    guard keepLearned(isUrgent: true) else {
      intake.takeBack()
      throw AdaptationError(
        .adapterFailed, "the label cannot be written down", remedy: "see to room on the disk; the log has why"
      )
    }
    let said =
      schema.classes.indices.contains(label.prediction) ? schema.classes[label.prediction] : "nothing"
    return "it is \(label.label), where the network said \(said); learned from with the next window"
  }

  /// Whether labels of a flow are still waited for.
  func waits(for sample: UInt64) -> Bool { !intake.hasTaken(sample) }
  /// Whether flows wait for a referee.
  var isBusy: Bool { intake.isReferring }

  /// What was learned beside the network.
  var learned: LearnedState { classifier.kept }

  package func close() {
    for agent in desk.close() { log.warning("the labeling agent \(agent) did not answer until the end") }
    keepLearned(isUrgent: true)
  }

  private func note(_ sample: FunctionSample, _ input: [Float], of batch: Batch) throws {
    guard let facts = reading(sample, batch) else { return }
    guard input.count == inputs else {
      throw AdaptationError(
        .badBatch, "a sample has \(input.count) features; network \(name) takes \(inputs)")
    }
    let request = LabelRequest(
      sample: sample.id, nanoseconds: sample.nanoseconds, flow: facts.flow,
      features: input.map(Double.init), facts: facts.facts, prediction: facts.prediction,
      margin: facts.margin)
    counts.flows += 1
    window.append(request)
    intake.noteDecision(sample)
    guard let cascade, facts.prediction == nil else { return }
    let asked = keeper.ask([ChosenFlow(request, probability: 1, reason: .margin)])
    guard !asked.isEmpty else { return }
    cascade.note(sample.id, flow: sample.flow)
    desk.ask([request], of: [cascade.agent])
  }

  /// Asks all agents about a part of a window's flows.
  private func ask(_ flows: [LabelRequest]) {
    allowance.earn(flows.count)
    let questions = plan.window(
      regular: allowance.available(mayOwe: false), owing: allowance.available(mayOwe: true),
      hasDrifted: classifier.drift(of: flows.map(\.inputs))?.isDrift ?? false)
    let open = flows.filter { !(cascade?.waits(for: $0.sample) ?? false) }
    let memory = questions.count < open.count ? NoveltyMemory(intake.known) : nil
    let chosen = keeper.ask(
      selection.choose(open, count: questions.count, memory: memory, isBurst: questions.isBurst))
    allowance.spend(chosen.count)
    counts.asked += chosen.count
    let asked = Set(settings.agents.map(\.name)).subtracting([settings.referee].compactMap { $0 })
    desk.ask(chosen.map(\.request), of: asked, mayOwe: questions.isBurst)
  }

  /// Flows that have got their labels. Those that an older network has decided are judged by the one that was
  /// trained since: else it would be trained again for what it knows by now.
  private func handLabelled() -> [OnlineClassifier.LabelledFlow] {
    let (settled, given) = intake.hand()
    closing += settled.map(\.sample)
    return settled.map { one in
      guard let outdated, one.version.map({ $0 <= outdated }) ?? true else { return one.flow }
      return OnlineClassifier.LabelledFlow(
        features: one.flow.features, prediction: classifier.decide(one.flow.features), label: one.flow.label,
        inclusion: one.flow.inclusion, labelError: one.flow.labelError)
    } + given
  }

  private func learn(_ flows: [LabelRequest]) throws -> RetrainRecord? {
    let labelled = handLabelled()
    let begin = MonotonicClock.now
    let report: OnlineClassifier.WindowReport
    do {
      report = try classifier.take(
        inputs: flows.map(\.inputs), labelled: labelled)
    } catch {
      throw AdaptationError(.adapterFailed, error.message, cause: error.cause, remedy: error.remedy)
    }
    if let proxy = report.proxy { counts.proxy = proxy }
    let words = RetrainWords(features: schema.features.map { "\($0)" })
    switch report.outcome {
    case .kept: return nil
    case .trained(let reasons, let gates):
      counts.trained += 1
      outdated = intake.newestVersion
      var figures = self.figures
      figures["training_seconds"] = (MonotonicClock.now - begin).seconds
      for gate in gates { figures["gate_" + gate.name.replacingOccurrences(of: " ", with: "_")] = gate.value }
      return RetrainRecord(.trained, reason: words.text(reasons), figures: figures)
    case .refused(let reasons, let refusal):
      counts.refused += 1
      return RetrainRecord(
        .refused, reason: words.text(reasons) + "; " + words.text(refusal), figures: figures)
    }
  }

  /// Writes down what was learned, and then closes the samples that it was learned from.
  ///
  /// - Returns: false where the disk did not take it.
  @discardableResult
  private func keepLearned(isUrgent: Bool) -> Bool {
    let now = MonotonicClock.now
    if !closing.isEmpty, due == nil { due = now + Self.writingInterval }
    guard isUrgent || closing.count >= Self.closingLimit || due.map({ now >= $0 }) ?? false else {
      return true
    }
    do {
      try store.write(
        .init(
          classes: schema.classes, features: schema.features.map { "\($0)" }, learned: classifier.kept,
          merging: intake.merging, given: intake.given, closing: closing))
    } catch {
      // The disk may have room again: the samples stay open until then.
      log.warning("\(error)")
      due = now + Self.writingInterval
      return false
    }
    keeper.close(closing)
    intake.noteClosed(closing)
    (closing, due) = ([], nil)
    return true
  }

  private var figures: [String: Double] {
    var figures: [String: Double] = [
      "flows": Double(counts.flows), "asked": Double(counts.asked), "labels": Double(intake.count),
      "conflicts": Double(intake.conflicts), "retrains": Double(counts.trained),
      "refused": Double(counts.refused), "memory": Double(classifier.kept.memory.count),
      "multiply_accumulates": Double(classifier.kept.meter.multiplyAccumulates),
    ]
    if let cascade { figures["answered"] = Double(cascade.answered) }
    if let proxy = counts.proxy {
      (figures["proxy"], figures["proxy_low"], figures["proxy_high"]) = (proxy.value, proxy.low, proxy.high)
    }
    return figures
  }

  private var reports: [AgentReport] {
    let ledger = keeper.ledger
    return zip(settings.agents, desk.states).map { agent, state in
      let purse = ledger.purses[agent.name]
      let left = purse?.left(at: WallClock.now)
      return AgentReport(
        name: agent.name, kind: agent.kind, standing: intake.merging.standing(of: agent.name) ?? .trusted,
        errorRate: intake.errorRate(of: agent.name), state: state, calls: purse?.totalCalls ?? 0,
        cost: purse?.totalCost ?? 0, callsLeft: left?.calls, costLeft: left?.cost)
    }
  }
}

extension LabelRequest {
  /// As networks take them.
  fileprivate var inputs: [Float] { features.map { Float($0) } }
}
