import MedullaBase
import MedullaDatapath
import MedullaRuntime
import MedullaSnapshot
import TestbedBaselines
import TestbedCaptures
import TestbedLink

/// What is measured of one way of training on one split.
struct ApplicationMeasurement {
  private typealias Own = CaptureApplications

  private let flows: ApplicationFlows
  private let plan: StudyPlan
  private let kernel = KernelRuntime()
  private let tree: FlowTree?
  /// Why there is no tree.
  private let treeless: String

  /// Reads the captures.
  init(_ plan: StudyPlan, _ context: StudyContext) throws {
    self.plan = plan
    func read(_ directory: String) throws -> [LabelledCapture] {
      try ApplicationFlows.read(directory, packets: plan[Own.packets], narrate: context.narrate)
    }
    let isGiven = !plan[Own.train].isEmpty
    flows = try ApplicationFlows(
      read(isGiven ? plan[Own.train] : plan[Own.captures]), test: isGiven ? read(plan[Own.test]) : nil,
      least: plan[Own.leastCaptures], testShare: plan[Own.testShare])
    var (tree, treeless): (FlowTree?, String) = (nil, "")
    do {
      tree = try FlowTree(python: PythonInterpreter.path())
    } catch let error as TestbedError where error.code == .missingProgram {
      treeless = "no tree: \(error.message) \(error.remedy)"
      context.narrate(treeless)
    }
    (self.tree, self.treeless) = (tree, treeless)
    if let obstacle = kernel.obstacle { context.narrate("the kernel is not asked: \(obstacle)") }
    context.narrate(
      "\(flows.captures.count) captures in \(flows.groups.count) groups; categories: "
        + flows.categories.map { name in
          let counts = flows.counts(of: name)
          return "\(name) \(Int(counts[1])) flows of \(Int(counts[0])) groups"
        }.joined(separator: ", "))
  }

  func measure(_ name: String, round: Int) throws -> Reading {
    let variant = ApplicationInputs.Variant(rawValue: name) ?? .behaviour
    let (seed, width) = (plan.seed(round: round), variant.features.count)
    let parts = flows.parts(seed: seed)
    func cut(_ sample: ApplicationFlows.Sample) -> ApplicationFlows.Sample {
      var sample = sample
      sample.words = sample.words.map { Array($0.prefix(width)) }
      return sample
    }
    var training = cut(flows.sample(of: parts.training))
    let test = cut(flows.sample(of: parts.test))
    let faults = missing(training, "learn from") + missing(test, "judge by")
    guard faults.isEmpty else { return Reading(faults: faults) }
    if variant == .shuffled {
      var generator = SeededGenerator(seed: seed)
      training.labels.shuffle(using: &generator)
    }
    let network = try ApplicationNetwork(
      training.words, training.labels, features: variant.features, categories: flows.categories,
      epochs: plan[Own.epochs], seed: seed)
    var reading = score(network, training, test)
    try grow(variant, training, test, seed: seed, &reading)
    if variant == .behaviour, round == 0 { try ask(network.snapshot, &reading) }
    return reading
  }

  /// Categories without a flow on one side of the split.
  private func missing(_ sample: ApplicationFlows.Sample, _ use: String) -> [String] {
    let seen = Set(sample.labels)
    return flows.categories.indices.filter { !seen.contains($0) }.map {
      "no flow of \(flows.categories[$0]) to \(use)"
    }
  }

  private func score(
    _ network: ApplicationNetwork, _ training: ApplicationFlows.Sample, _ test: ApplicationFlows.Sample
  ) -> Reading {
    let count = flows.categories.count
    let said = network.integerClasses(test.words)
    let scores = ClassScores(test.labels, said, classes: count)
    let float = ClassScores(test.labels, network.floatClasses(test.words), classes: count)
    let all = ClassScores(
      test.labels + test.pending, said + test.pending.map { _ in nil }, classes: count)
    var reading = Reading([
      Own.macroF1: scores.macro, Own.floatF1: float.macro, Own.change: abs(scores.macro - float.macro),
      Own.withPending: all.macro,
      Own.pendingShare: Double(test.pending.count) / Double(test.pending.count + test.labels.count),
      Own.guessedShare: flows.guessedShare, Own.categories: Double(count),
      Own.trainingFlows: Double(training.labels.count), Own.testFlows: Double(test.labels.count),
    ])
    for (number, category) in flows.categories.enumerated() {
      let judged = test.labels.filter { $0 == number }.count
      reading.series[category] = flows.counts(of: category) + [Double(judged), scores.each[number]]
    }
    return reading
  }

  /// The tree on the same rows; shuffled labels need none.
  private func grow(
    _ variant: ApplicationInputs.Variant, _ training: ApplicationFlows.Sample,
    _ test: ApplicationFlows.Sample, seed: UInt64, _ reading: inout Reading
  ) throws {
    guard variant != .shuffled else { return }
    guard let tree else {
      reading.unmeasured.append(treeless)
      return
    }
    let count = flows.categories.count
    let said = try tree.classes(
      of: test.words.map(ApplicationNetwork.values), training: training.words.map(ApplicationNetwork.values),
      labels: training.labels, weights: ApplicationNetwork.weights(training.labels, classes: count),
      seed: seed)
    guard said.allSatisfy({ (0..<count).contains($0) }) else {
      reading.faults.append("the tree names a class that there is not")
      return
    }
    let scores = ClassScores(test.labels, said, classes: count)
    reading[Own.treeF1] = scores.macro
    reading[Own.aboveTree] = reading[Own.macroF1].map { $0 - scores.macro }
    for (number, category) in flows.categories.enumerated() {
      reading.series[category]?.append(scores.each[number])
    }
  }

  /// Every decided flow of all captures, by the kernel's program and by the interpreter.
  private func ask(_ snapshot: Snapshot, _ reading: inout Reading) throws {
    if let obstacle = kernel.obstacle {
      reading.unmeasured.append("the kernel was not asked: \(obstacle)")
      return
    }
    let rows = flows.decided.map { Array($0.prefix(snapshot.shape.inputs)) }
    let answers = try kernel.load(CompiledNetwork(SnapshotFile(snapshot))).run(words: rows)
    let interpreter = ReferenceInterpreter(snapshot)
    reading[Own.asked] = Double(rows.count)
    reading[Own.different] = Double(
      zip(rows, answers).filter { interpreter.run(features: $0) != $1 }.count)
  }
}
