import CMedullaABI
import Foundation
import MedullaBase
import MedullaDatapath
import MedullaFlows
import MedullaKernel
import MedullaSnapshot

/// Classification of flows at an interface, by a network over features of flows.
///
/// A flow is decided at a packet of its, at each, or at its end; its class, or that the network is unsure,
/// says what happens to its packets from then on.
package struct Classifier: InterfaceFunction {
  package let hook: FunctionHook
  package let settings: ClassifierSettings
  /// The network's, in the order of its outputs; empty: it is not known yet which.
  package private(set) var labels: [String] = []

  package init(at hook: FunctionHook, _ settings: ClassifierSettings = ClassifierSettings()) {
    (self.hook, self.settings) = (hook, settings)
  }

  package static let name = "classifier"
  package static let sizes = NetworkSizes()
  package static let main = ProgramSource(name: name, inputs: .flows, files: ClassifierSources.main)
  /// A filter before a packet socket: it lets the first packets of each flow through, which tell what it is.
  package static let firstPackets = ProgramSource(
    name: "first_packets", inputs: .flows, files: ClassifierSources.firstPackets)
  package static let programs = [main, firstPackets]
  package static let instanceMaps = [
    "classifier_settings", Maps.counts, Maps.mirrors, "classifier_buckets", Maps.answers, "medulla_pairs",
    "medulla_locks",
  ]
  package static let outcomes = [
    OutcomeField("class", unit: "row"), OutcomeField("margin", unit: "output"),
    OutcomeField("packets", unit: "packets"), OutcomeField("bytes", unit: "bytes"),
    OutcomeField("source", unit: "address"), OutcomeField("destination", unit: "address"),
    OutcomeField("ports", unit: "ports"), OutcomeField("source_prefix", unit: "address"),
    OutcomeField("destination_prefix", unit: "address"),
  ]
  package static let keys = [
    FunctionKey("hook", .text, isRequired: true, example: "tc:eth0:ingress"),
    FunctionKey("actions", .text, example: "attack=drop,unsure=mirror"),
    FunctionKey("packets", .text, example: "10"),
    FunctionKey("margin", .number(0...1e6), example: "0.2"),
  ]

  enum Maps {
    static let settings = "classifier_settings"
    static let counts = "classifier_counts"
    static let mirrors = "classifier_mirrors"
    static let answers = "classifier_answers"
  }

  package static func title(of status: InstanceStatus) -> String {
    "classifier at \(status.hook ?? "no interface")"
  }

  package static func flow(ofOutcomes words: [Int64]) -> String? {
    ClassifierOutcome(words)?.description
  }

  package init(values: [String: FunctionValue]) throws {
    guard let hook = values["hook"]?.text else {
      throw DatapathError(.badConfiguration, "a classifier needs a hook")
    }
    var settings = ClassifierSettings()
    for rule in (values["actions"]?.text ?? "").split(separator: ",") {
      try settings.add(rule.trimmingCharacters(in: .whitespaces))
    }
    if let text = values["packets"]?.text { settings.moment = try Self.moment(text) }
    if let margin = values["margin"]?.number { settings.margin = margin }
    self.init(at: try FunctionHook(hook), settings)
  }

  /// - Throws: `badConfiguration`.
  package static func moment(_ text: String) throws(DatapathError) -> DecisionMoment {
    guard let moment = DecisionMoment(text) else {
      throw DatapathError(
        .badConfiguration, "\"\(text)\" is no moment to decide at",
        remedy: "give the number of a packet, from 1, or every, or end")
    }
    return moment
  }

  /// The labels of a network; numbers where it names none.
  package static func labels(of snapshot: DatapathSnapshot) -> [String] {
    let named = snapshot.flows?.labels ?? []
    return named.isEmpty ? (0..<snapshot.outputs).map(String.init) : named
  }

  var program: String { hook.point == .xdp ? "classifier_xdp" : "classifier_tc" }

  /// - Throws: `wrongShape` for a network that has nothing to tell apart.
  package func checkPrograms(of snapshot: DatapathSnapshot) throws {
    guard snapshot.outputs > 1 else {
      throw DatapathError(
        .wrongShape, "\(snapshot.name) has one output, and a classifier tells classes apart by several",
        remedy: "compile a network with an output for each class, and name them with --labels FILE")
    }
    _ = try snapshot.object(of: Self.main)
    _ = try snapshot.object(of: Dispatcher.source)
    try settings.check(labels: Self.labels(of: snapshot))
  }

  package func prepared(for name: InstanceName, _ snapshot: DatapathSnapshot) throws -> Classifier {
    _ = try Hook.interfaceIndex(of: hook.interface)
    try checkPrograms(of: snapshot)
    var prepared = self
    prepared.labels = Self.labels(of: snapshot)
    return prepared
  }

  /// - Throws: `wrongShape` for a network of other classes than the instance has.
  package func load(
    _ snapshot: DatapathSnapshot, for name: InstanceName, shared: SharedMaps.Origin
  ) throws -> ProgramSet {
    let object = try BPFObject(bytes: snapshot.object(of: Self.main), name: Self.name)
    let own = Self.labels(of: snapshot)
    guard labels.isEmpty || labels == own else {
      throw DatapathError(
        .wrongShape,
        "\(snapshot.name) tells \(own.joined(separator: ", ")) apart; \(name) has "
          + labels.joined(separator: ", "),
        remedy: "detach it and attach again for other classes")
    }
    return try programSet(of: object, snapshot, shared: shared)
  }

  /// The classifier's object with its settings.
  func programSet(
    of object: BPFObject, _ snapshot: DatapathSnapshot, shared: SharedMaps.Origin
  ) throws -> ProgramSet {
    for other in ["classifier_tc", "classifier_xdp"] where other != program {
      try object.leaveOut(program: other)
    }
    let set = try dispatched(object, main: program, snapshot, shared: shared)
    if case .new = shared {
      let words = try settings.words(
        labels: Self.labels(of: snapshot), at: hook, outputFractionBits: snapshot.outputFractionBits)
      try set.map(Maps.settings).set(words, at: 0)
    }
    return set
  }
}

extension Classifier {
  /// What is pinned of a classifier, as JSON.
  private struct Record: Codable {
    let hook: String
    let moment: String
    let margin: Double
    let rules: [String]
    let labels: [String]
  }

  package var record: [UInt8] {
    let record = Record(
      hook: hook.description, moment: settings.moment.description, margin: settings.margin,
      rules: settings.rules, labels: labels)
    // Texts and one finite number always can be written.
    return (try? JSONText.line(record)) ?? []
  }

  package init(record bytes: [UInt8]) throws {
    guard let record = try? JSONDecoder().decode(Record.self, from: Data(bytes)),
      let moment = DecisionMoment(record.moment)
    else {
      throw DatapathError(
        .foreignVersion, "the settings of a classifier cannot be read", remedy: "detach it and attach again")
    }
    var settings = ClassifierSettings()
    settings.moment = moment
    settings.margin = record.margin
    for rule in record.rules { try settings.add(rule) }
    self.init(at: try FunctionHook(record.hook), settings)
    labels = record.labels
  }
}
