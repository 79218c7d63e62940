import MedullaBase

/// Which end of a flow a list is about.
package enum ListSide: String, Sendable, CaseIterable, Codable {
  case source
  case destination
  case either
}

/// A list, and what its entries say of the flows that they are about.
package struct LabelingList {
  package let list: WatchedList
  /// The class, by its name.
  package let label: String
  package let confidence: Double
  package let side: ListSide

  package init(_ list: WatchedList, label: String, confidence: Double = 1, side: ListSide = .either) {
    (self.list, self.label, self.confidence, self.side) = (list, label, confidence, side)
  }
}

/// Both ends of a flow; nil: not known.
package struct FlowSides<Value> {
  package let source: Value?
  package let destination: Value?

  package init(source: Value?, destination: Value?) {
    (self.source, self.destination) = (source, destination)
  }
}

/// Who knows of a flow what its samples do not say.
package struct ListSources {
  package typealias DomainSource = (FlowEndpoints) -> String?
  package typealias AddressSource = (FlowEndpoints) -> FlowSides<MACAddress>
  package typealias DeviceSource = (FlowEndpoints) -> FlowSides<String>

  /// The name that the flow's client has asked for.
  package var domain: DomainSource?
  package var addresses: AddressSource?
  package var devices: DeviceSource?

  package init(domain: DomainSource? = nil, addresses: AddressSource? = nil, devices: DeviceSource? = nil) {
    (self.domain, self.addresses, self.devices) = (domain, addresses, devices)
  }

  /// What is missing for lists of a kind; nil: nothing.
  func lack(for kind: ListKind) -> (what: String, remedy: String)? {
    switch kind {
    case .domains where domain == nil:
      ("which domain a flow is to", "let nDPI inspect packets (--ndpi), which reads names from them")
    case .macs where addresses == nil:
      ("a flow's addresses of Ethernet", "let packets of an Ethernet interface be read (--ndpi)")
    case .devices where devices == nil:
      ("the names of devices", "give them: a file of lines ADDRESS NAME (--devices)")
    default: nil
    }
  }
}

/// Labels flows by lists of addresses, ports, domains and devices.
///
/// The first list that a flow is on says its class; but among lists of addresses the longest prefix does,
/// and among lists of domains the longest name, so that an exception may stand in a later list. A flow that
/// is on none is abstained from.
package final class ListAgent: LabelingAgent {
  package let name: String
  private let lists: [LabelingList]
  private let labels: [Int]
  private let sources: ListSources
  private let tell: (String) -> Void

  /// - Parameter tell: is told of lists that were read again, or could not be.
  /// - Throws: `noSource` where nothing knows what a list's entries are about, `badSetting` for a
  ///   class that there is not.
  package init(
    _ lists: [LabelingList], named name: String = "lists", schema: LabelSchema,
    sources: ListSources = ListSources(), tell: @escaping (String) -> Void = Narration.tell
  ) throws(ListError) {
    guard schema.hasFlow else {
      throw ListError(
        .noSource, "lists are of addresses and ports, and these samples have none",
        remedy: "use rules over their features")
    }
    var labels: [Int] = []
    for entry in lists {
      if let lack = sources.lack(for: entry.list.kind) {
        throw ListError(
          .noSource,
          "\(entry.list.path) is a list of \(entry.list.kind.rawValue), and nothing here knows \(lack.what)",
          remedy: lack.remedy)
      }
      guard let place = schema.place(of: entry.label) else {
        throw ListError(
          .badSetting, "\(entry.list.path) stands for `\(entry.label)`, which is no class",
          remedy: "the network's are \(schema.classes.joined(separator: ", "))")
      }
      guard entry.list.kind != .domains || entry.side != .source else {
        throw ListError(
          .badSetting, "\(entry.list.path) is a list of domains, which flows are to, and never from",
          remedy: "use it for the destination")
      }
      guard entry.confidence > 0, entry.confidence <= 1 else {
        throw ListError(
          .badSetting, "\(entry.confidence) is no confidence for \(entry.list.path)",
          remedy: "give a number up to 1")
      }
      labels.append(place)
    }
    (self.lists, self.labels, self.name) = (lists, labels, name)
    (self.sources, self.tell) = (sources, tell)
  }

  package func label(_ requests: [LabelRequest]) -> [Label] {
    for entry in lists {
      if let news = entry.list.refresh() { tell("\(name): \(news)") }
    }
    return requests.map { request in
      guard let place = request.flow.flatMap(place) else {
        return Label(sample: request.sample, agent: name, label: nil)
      }
      return Label(
        sample: request.sample, agent: name, label: labels[place], confidence: lists[place].confidence)
    }
  }

  /// The list that says a flow's class.
  private func place(of flow: FlowEndpoints) -> Int? {
    var best: (place: Int, kind: ListKind, length: Int)?
    for (place, entry) in lists.enumerated() {
      let kind = entry.list.kind
      if let best, best.kind != kind || !(kind == .addresses || kind == .domains) { continue }
      guard let length = length(of: flow, on: entry), length > best?.length ?? -1 else { continue }
      best = (place, kind, length)
    }
    return best?.place
  }

  /// How closely the flow is on the list; nil: it is not.
  private func length(of flow: FlowEndpoints, on entry: LabelingList) -> Int? {
    let list = entry.list
    func ends<Value>(_ sides: FlowSides<Value>) -> [Value] {
      switch entry.side {
      case .source: [sides.source].compactMap { $0 }
      case .destination: [sides.destination].compactMap { $0 }
      case .either: [sides.source, sides.destination].compactMap { $0 }
      }
    }
    switch list.kind {
    case .addresses:
      let sides = FlowSides(source: IPAddress(flow.source), destination: IPAddress(flow.destination))
      return ends(sides).compactMap { list.longest($0)?.length }.max()
    case .ports:
      let sides = FlowSides(source: flow.sourcePort, destination: flow.destinationPort)
      return ends(sides).contains { list.hasPort(Double($0), transport: Double(flow.transport)) } ? 0 : nil
    case .domains:
      guard let name = sources.domain?(flow) else { return nil }
      return list.contents.domain(around: name)?.utf8.count
    case .macs:
      guard let sides = sources.addresses?(flow) else { return nil }
      return ends(sides).contains(where: list.contents.has) ? 0 : nil
    case .devices:
      guard let sides = sources.devices?(flow) else { return nil }
      return ends(sides).contains { list.contents.has(device: $0) } ? 0 : nil
    }
  }
}
