import ArgumentParser
import Foundation
import MedullaBase
import MedullaClassification
import MedullaFlows
import MedullaLabels
import MedullaSnapshot

/// `medulla labels test CAPTURE --model BUNDLE`.
struct LabelsTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Tell what labeling agents would say of a capture's flows.",
    discussion: """
      Each flow is decided by the network as `medulla classify` does, and at that moment each agent is asked \
      about it, with what a live sample would carry: rules (docs/reference/rules.md), lists of addresses, \
      ports, domains, Ethernet addresses and devices, and nDPI by the payloads that were seen until then. \
      Told are flows by agent and class, the share of flows that each agent says something of, and how often \
      agents agree with each other and with the network where that is sure.

      A list is [KIND:][SIDE:][csv-COLUMN:]FILE=CLASS[@CONFIDENCE]: kinds are addresses, ports, domains, \
      macs and devices (without one it is what the file shows), sides source, destination and either. Lists \
      of domains and of Ethernet addresses need --ndpi, lists of devices --devices.

      MAP.json says what nDPI's protocols and categories stand for: \
      {"TLS.YouTube": "streaming", "category:Web": "web @ 0.8"}.
      """)

  @Argument(help: "A capture, pcap or pcapng; - for standard input.")
  var capture: String
  @Option(help: ArgumentHelp("The compiled network, over features of flows.", valueName: "bundle"))
  var model: String
  @Option(help: ArgumentHelp("Rules, one a line.", valueName: "file"))
  var rules: String?
  @Option(help: ArgumentHelp("A list and what it stands for; may be repeated.", valueName: "file=class"))
  var list: [String] = []
  @Option(help: ArgumentHelp("What nDPI's names stand for.", valueName: "map.json"))
  var ndpi: String?
  @Option(help: ArgumentHelp("Names of devices: lines ADDRESS NAME.", valueName: "file"))
  var devices: String?
  @Flag(help: "Let nDPI go by the ports of flows whose packets tell nothing.")
  var guessByPort = false
  @Option(help: ArgumentHelp("Decide at the n-th packet of a flow, or at its end.", valueName: "n"))
  var packets = "10"
  @Option(
    help: ArgumentHelp(
      "How far the largest output must be before the next; below, a flow is unsure.", valueName: "gap"))
  var margin = 0.0
  @Option(help: "A flow that is silent for longer is over, such as 60s.")
  var idle = "60s"
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard margin >= 0, margin <= 1e6 else { throw ValidationError("--margin \(margin) is out of range") }
    guard packets != "every" else {
      throw ValidationError("labels are asked for once a flow: --packets is a number or end")
    }
    guard rules != nil || !list.isEmpty || ndpi != nil else {
      throw ValidationError("there is no agent: give --rules, --list or --ndpi")
    }
    guard !guessByPort || ndpi != nil else { throw ValidationError("--guess-by-port goes with --ndpi") }
  }

  func run() throws {
    let bundle = try SnapshotBundle.open(model)
    guard let flows = bundle.file.snapshot.shape.flows else {
      throw ValidationError(
        "\(bundle.path) does not say which features of flows its inputs are: compile it with --features"
      )
    }
    let schema = LabelSchema(
      classes: CaptureClassification.labels(of: bundle.file), features: flows.features,
      facts: LabelSchema.classifierFacts)
    let agents = try LabelsTestAgents(self, schema)
    var trial = LabelsTrial(agents, schema, margin: margin)
    let file = try CaptureFile(capture)
    let classified = try CaptureClassification(
      file, by: bundle.file, named: bundle.path, at: Classifier.moment(packets),
      idle: Quantity.duration(idle), broken: { Narration.tell("Warning: \($0)") },
      before: { agents.inspected?.take($0, of: file.link) }, decided: { trial.ask($0) })
    try print(trial, pending: classified.decisions.count { $0 == nil })
  }

  private struct Output: Encodable {
    let labels: [String]
    let pending: Int
    let comparison: LabelComparison
    let rules: [RuleCount]
    let flows: [LabelsTrial.Row]

    enum CodingKeys: String, CodingKey {
      case labels, pending, rules, flows
      case comparison = "summary"
    }
  }

  struct RuleCount: Encodable {
    let rule: String
    let flows: UInt64
  }

  private func print(_ trial: LabelsTrial, pending: Int) throws {
    let comparison = trial.comparison
    let rules =
      trial.agents.rules.map { agent in
        zip(agent.program.names, agent.hits).map { RuleCount(rule: $0, flows: $1) }
      } ?? []
    if json {
      return try StatusOutput.printJSON(
        Output(
          labels: trial.schema.classes, pending: pending, comparison: comparison, rules: rules,
          flows: trial.rows))
    }
    Swift.print(LabelsTestTables.agents(comparison, trial.schema).text)
    if !comparison.pairs.isEmpty { Swift.print("\n" + LabelsTestTables.pairs(comparison).text) }
    if !rules.isEmpty { Swift.print("\n" + LabelsTestTables.rules(rules).text) }
    Narration.tell(
      "\(comparison.flows) flows, and the network is sure of \(comparison.decided); \(pending) are pending"
    )
  }
}

/// The agents that a command line names.
struct LabelsTestAgents {
  let rules: RuleAgent?
  /// What nDPI has seen; nil: it sees nothing.
  let inspected: NDPIFlows?
  let all: [any LabelingAgent]

  init(_ options: LabelsTestCommand, _ schema: LabelSchema) throws {
    var all: [any LabelingAgent] = []
    var agent: RuleAgent?
    if let path = options.rules { agent = RuleAgent(try Self.program(path, schema)) }
    if let agent { all.append(agent) }
    var limits = InspectionLimits()
    limits.guessesByPort = options.guessByPort
    inspected = try options.ndpi.map { _ in try NDPIFlows(limits) }
    if !options.list.isEmpty {
      var sources = inspected.map { ListSources($0) } ?? ListSources()
      sources.devices = try options.devices.map {
        try DeviceNames.read($0).source(addresses: sources.addresses)
      }
      all.append(
        try ListAgent(options.list.map { try ListText($0).open() }, schema: schema, sources: sources))
    }
    if let inspected, let map = options.ndpi {
      all.append(try NDPIAgent(inspected, map: NDPIMap.read(map, schema: schema), patience: .zero))
    }
    (rules, self.all) = (agent, all)
  }

  /// Tells all that is wrong with them, where it is more than one thing.
  private static func program(_ path: String, _ schema: LabelSchema) throws -> RuleProgram {
    do {
      return try RuleProgram.read(path, schema: schema)
    } catch {
      let faults = error.log.split(separator: "\n")
      if faults.count > 1 { for fault in faults { Narration.tell(String(fault)) } }
      throw error
    }
  }
}

/// Flows of a capture, and what agents say of them when they are decided.
struct LabelsTrial {
  struct Said: Encodable {
    let agent: String
    let label: String?
    let confidence: Double

    enum CodingKeys: String, CodingKey { case agent, label, confidence }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(agent, forKey: .agent)
      try container.encode(label, forKey: .label)
      try container.encode(confidence, forKey: .confidence)
    }
  }

  struct Row: Encodable {
    let sourceIp: String
    let sourcePort: UInt16
    let destinationIp: String
    let destinationPort: UInt16
    let `protocol`: UInt8
    /// The network's class, also where it is unsure.
    let label: String
    let margin: Double
    let decided: Bool
    let agents: [Said]

    enum CodingKeys: String, CodingKey {
      case `protocol`, label, margin, decided, agents
      case sourceIp = "source_ip"
      case sourcePort = "source_port"
      case destinationIp = "destination_ip"
      case destinationPort = "destination_port"
    }
  }

  let agents: LabelsTestAgents
  let schema: LabelSchema
  private let margin: Double
  private(set) var rows: [Row] = []
  private var network: [UInt64: Int?] = [:]
  private var labels: [Label] = []

  init(_ agents: LabelsTestAgents, _ schema: LabelSchema, margin: Double) {
    (self.agents, self.schema, self.margin) = (agents, schema, margin)
  }

  var comparison: LabelComparison {
    LabelComparison(classes: schema.classes, network: network, labels: labels, agents: agents.all.map(\.name))
  }

  mutating func ask(_ moment: CaptureClassification.Moment) {
    let flow = moment.flow
    let isSure = moment.margin >= margin
    let prediction = isSure ? schema.place(of: moment.decision.label) : nil
    let request = LabelRequest(
      sample: UInt64(moment.place),
      flow: FlowEndpoints(
        source: flow.sourceBytes, destination: flow.destinationBytes, sourcePort: flow.sourcePort,
        destinationPort: flow.destinationPort, transport: flow.transport),
      features: moment.inputs, facts: ["packets": Double(flow.packets), "bytes": Double(flow.bytes)],
      prediction: prediction, margin: moment.margin)
    var said: [Said] = []
    for agent in agents.all {
      // An agent that fails says nothing, and is told of.
      do {
        for label in try agent.label([request]) {
          labels.append(label)
          said.append(
            Said(
              agent: label.agent, label: label.label.map { schema.classes[$0] }, confidence: label.confidence)
          )
        }
      } catch {
        Narration.tell("Warning: \(agent.name): \(error)")
      }
    }
    network[request.sample] = .some(prediction)
    rows.append(
      Row(
        sourceIp: flow.sourceAddress, sourcePort: flow.sourcePort, destinationIp: flow.destinationAddress,
        destinationPort: flow.destinationPort, protocol: flow.transport, label: moment.decision.label,
        margin: moment.margin, decided: isSure, agents: said))
  }
}

/// What the command prints for people.
enum LabelsTestTables {
  private static func share(_ value: Double?) -> String {
    value.map { String(format: "%.1f%%", 100 * $0) } ?? "-"
  }

  static func agents(_ comparison: LabelComparison, _ schema: LabelSchema) -> TextTable {
    TextTable(
      columns: ["agent"] + schema.classes + ["abstains", "coverage", "as the network"],
      rows: comparison.agents.map { agent in
        [agent.name] + agent.classes.map { "\($0.flows)" }
          + ["\(agent.abstained)", share(agent.coverage), share(agent.network.share)]
      })
  }

  static func pairs(_ comparison: LabelComparison) -> TextTable {
    TextTable(
      columns: ["agents", "both", "agreed", "share"],
      rows: comparison.pairs.map { pair in
        let agreement = pair.agreement
        return [
          pair.agents.joined(separator: ", "), "\(agreement.both)", "\(agreement.agreed)",
          share(agreement.share),
        ]
      })
  }

  static func rules(_ rules: [LabelsTestCommand.RuleCount]) -> TextTable {
    TextTable(columns: ["rule", "flows"], rows: rules.map { [$0.rule, "\($0.flows)"] })
  }
}
