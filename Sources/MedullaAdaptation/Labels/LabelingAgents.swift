import Foundation
import Logging
import MedullaBase
import MedullaLabels

/// Makes the agents that settings name.
package struct LabelingAgents {
  private let settings: LabelSettings
  private let schema: LabelSchema
  private let order: AdapterOrder
  private let packetFilter: [UInt8]?

  /// - Parameter packetFilter: the object of a program that says which packets nDPI sees; nil: all.
  package init(
    _ settings: LabelSettings, schema: LabelSchema, for order: AdapterOrder, packetFilter: [UInt8]? = nil
  ) {
    (self.settings, self.schema, self.order) = (settings, schema, order)
    self.packetFilter = packetFilter
  }

  /// By the agents' names.
  package var budgets: [String: AgentBudget] {
    Dictionary(
      settings.agents.map { ($0.name, AgentBudget(calls: $0.calls, cost: $0.cost)) },
      uniquingKeysWith: { first, _ in first })
  }

  /// - Throws: what is wrong with a rule, a list, a program or an address.
  package func places(_ keeper: Bookkeeper) throws -> [AgentDesk.Place] {
    try settings.agents.map { agent in
      let purse = keeper.purse(of: agent.name)
      var seat = SeatSettings(price: agent.price)
      switch agent.source {
      case .rules(let path):
        let program = try RuleProgram.read(path, schema: schema)
        return AgentDesk.Place(RuleAgent(program, named: agent.name, tell: tell), seat, purse: purse)
      case .lists(let texts):
        let lists = try texts.map { try ListText($0).open() }
        return AgentDesk.Place(
          try ListAgent(lists, named: agent.name, schema: schema, tell: tell), seat, purse: purse)
      case .python(let python):
        var process = ProcessSettings.labeler(python.className, interpreter: python.python)
        (process.options, process.isolation) = (python.options, python.isolation)
        process.deadline = python.deadline
        return try place(agent, process, seat, purse)
      case .command(let command):
        let process = ProcessSettings(
          command: command.arguments, isolation: command.isolation, options: command.options,
          deadline: command.deadline)
        return try place(agent, process, seat, purse)
      case .ndpi(let ndpi): return try place(agent, try .ndpi(ndpi, through: packetFilter), seat, purse)
      case .service(let service):
        // It pays each call itself.
        (seat.price, seat.batch, seat.deadline) = (0, service.batch, service.deadline)
        return AgentDesk.Place(try self.service(agent, service, purse), seat)
      }
    }
  }

  private func place(
    _ agent: LabelSettings.Agent, _ process: ProcessSettings, _ seat: SeatSettings, _ purse: any Purse
  ) throws -> AgentDesk.Place {
    var (process, seat) = (process, seat)
    process.function = order.function
    // A class beside the configuration is found without being installed.
    process.directory = order.directory
    // The first answer waits for a start.
    seat.deadline = process.deadline + process.startPatience
    return AgentDesk.Place(
      try ProcessLabelingAgent(agent.name, process, schema: schema, log: order.log), seat, purse: purse)
  }

  private func service(
    _ agent: LabelSettings.Agent, _ service: LabelSettings.Agent.Service, _ purse: any Purse
  ) throws -> ServiceAgent {
    let settings = ServiceSettings(
      url: service.url, headers: try service.headers.map(Self.headers) ?? [:], pricePerFlow: agent.price,
      batch: service.batch, deadline: service.deadline,
      callTimeout: min(service.deadline, .seconds(10)), sendsEndpoints: service.sendsEndpoints,
      rules: service.givesRules ? RuleSettings() : nil)
    return try ServiceAgent(agent.name, settings, schema: schema, purse: purse) { [schema, tell] text in
      RuleAgent(
        try RuleProgram(text, named: "rules of \(agent.name)", schema: schema), named: agent.name,
        tell: tell)
    }
  }

  /// Lines `Name: value`; their values are secrets and stand in no message.
  static func headers(_ path: String) throws(AdaptationError) -> [String: String] {
    guard let data = FileManager.default.contents(atPath: path), data.count <= 65_536 else {
      throw AdaptationError(
        .badSettings, "the headers of a label service cannot be read from \(path)",
        remedy: "write a file of lines such as `Authorization: Bearer …`, which the daemon may read")
    }
    var headers: [String: String] = [:]
    for (place, line) in String(decoding: data, as: UTF8.self).split(separator: "\n").enumerated() {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      guard parts.count == 2, !parts[0].isEmpty else {
        throw AdaptationError(.badSettings, "\(path): line \(place + 1) is no header")
      }
      headers[parts[0]] = parts[1]
    }
    return headers
  }

  private var tell: (String) -> Void { { [log = order.log] in log.notice("\($0)") } }
}
