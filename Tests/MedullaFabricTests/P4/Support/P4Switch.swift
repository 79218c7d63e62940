/// A v1model switch that runs a program's trees: parser, ingress, copies to groups, egress, recirculation.
final class P4Switch {
  struct Packet {
    let bytes: [UInt8]
    let port: Int
    /// Of a packet that was recirculated, the metadata that it kept.
    var kept: [String: P4Bits]?
  }

  struct Entry {
    let action: String
    let values: [P4Bits]
  }

  private static let dropPort: UInt64 = 511
  private static let recirculated: UInt64 = 4
  private static let standard = [
    "ingress_port": 9, "egress_spec": 9, "mcast_grp": 16, "egress_rid": 16, "instance_type": 32,
  ]

  let source: P4Source
  private(set) var groups: [Int: [(copy: Int, ports: [Int])]] = [:]
  private var entries: [String: [[P4Bits]: Entry]] = [:]
  private var registers: [String: [P4Bits]] = [:]
  // Of the packet that is looked at.
  var fields: [String: P4Bits] = [:]
  var locals: [String: P4Bits] = [:]
  var valid: Set<String> = []
  private var isRecirculated = false
  private var emitted: [String] = []

  /// - Parameter commands: for `simple_switch_CLI`.
  init(_ source: P4Source, commands: String) throws {
    self.source = source
    for (name, register) in try ingress.registers {
      registers[name] = [P4Bits](repeating: P4Bits(width: register.width), count: register.size)
    }
    fields = blank
    var nodes: [(copy: Int, ports: [Int])] = []
    for line in commands.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      let numbers = words.dropFirst().compactMap { Int($0) }
      switch words[0] {
      case "mc_mgrp_create": groups[numbers[0]] = []
      case "mc_node_create": nodes.append((numbers[0], Array(numbers.dropFirst())))
      case "mc_node_associate":
        guard groups[numbers[0]]?.append(nodes[numbers[1]]) != nil else { throw P4Error("no group: \(line)") }
      case "table_add": try add(words)
      default: throw P4Error("no command: \(line)")
      }
    }
  }

  private var ingress: P4Source.Control {
    get throws {
      guard let control = source.controls["CellIngress"] else { throw P4Error("there is no ingress") }
      return control
    }
  }

  private func add(_ words: [String]) throws {
    let name = words[1].replacing("CellIngress.", with: "")
    let action = words[2].replacing("CellIngress.", with: "")
    guard let table = try ingress.tables[name], table.actions.contains(action),
      let arrow = words.firstIndex(of: "=>"),
      let parameters = try ingress.actions[action]?.parameters, table.key.count == arrow - 3,
      parameters.count == words.count - arrow - 1
    else { throw P4Error("no entry: \(words.joined(separator: " "))") }
    let key = try zip(table.key, words[3..<arrow]).map {
      try Self.fit($1, width: try evaluate($0, width: nil).width)
    }
    let values = try zip(parameters, words[(arrow + 1)...]).map { try Self.fit($1, width: $0.width) }
    guard entries[name, default: [:]].updateValue(Entry(action: action, values: values), forKey: key) == nil
    else { throw P4Error("twice: \(words.joined(separator: " "))") }
    guard entries[name, default: [:]].count <= table.size else { throw P4Error("\(name) is full") }
  }

  private static func fit(_ word: String, width: Int) throws -> P4Bits {
    let value = word.hasPrefix("0x") ? UInt64(word.dropFirst(2), radix: 16) : UInt64(word)
    guard let value, width >= 64 || value >> UInt64(width) == 0 else {
      throw P4Error("\(word) does not fit \(width) bits")
    }
    return P4Bits(value, width: width)
  }

  private var blank: [String: P4Bits] {
    var fields: [String: P4Bits] = [:]
    for field in source.types["meta_t"] ?? [] { fields["meta.\(field.name)"] = P4Bits(width: field.width) }
    for (header, type) in source.headers {
      for field in source.types[type] ?? [] {
        fields["hdr.\(header).\(field.name)"] = P4Bits(width: field.width)
      }
    }
    for (name, width) in Self.standard { fields["standard_metadata.\(name)"] = P4Bits(width: width) }
    return fields
  }

  /// What leaves by ports, and what comes round.
  func process(_ packet: Packet) throws -> (out: [Packet], rounds: [Packet]) {
    fields = blank
    (locals, valid, isRecirculated) = ([:], [], false)
    let rest = try parse(packet.bytes)
    fields["standard_metadata.ingress_port"] = P4Bits(UInt64(packet.port), width: 9)
    if let kept = packet.kept {
      fields.merge(kept) { $1 }
      fields["standard_metadata.instance_type"] = P4Bits(Self.recirculated, width: 32)
    }
    try run(try ingress.apply)
    let group = Int(fields["standard_metadata.mcast_grp"]?.value ?? 0)
    let port = fields["standard_metadata.egress_spec"]?.value ?? 0
    var copies: [(copy: Int, port: Int)] = []
    if group > 0 {
      copies = (groups[group] ?? []).flatMap { node in node.ports.map { (node.copy, $0) } }
    } else if port != Self.dropPort {
      copies = [(0, Int(port))]
    }
    let after = (fields, valid)
    var result: (out: [Packet], rounds: [Packet]) = ([], [])
    for copy in copies {
      (fields, valid) = after
      isRecirculated = false
      fields["standard_metadata.egress_rid"] = P4Bits(UInt64(copy.copy), width: 16)
      try run(source.controls["CellEgress"]?.apply ?? [])
      let bytes = try deparse() + rest
      if isRecirculated {
        result.rounds.append(Packet(bytes: bytes, port: packet.port, kept: kept))
      } else {
        result.out.append(Packet(bytes: bytes, port: copy.port))
      }
    }
    return result
  }

  private var kept: [String: P4Bits] {
    var kept: [String: P4Bits] = [:]
    for field in source.types["meta_t"] ?? [] where field.isKept {
      kept["meta.\(field.name)"] = fields["meta.\(field.name)"]
    }
    return kept
  }

  /// What lies behind the headers; a packet that ends in one has not this one.
  private func parse(_ bytes: [UInt8]) throws -> [UInt8] {
    var rest = bytes[...]
    var name = "start"
    while name != "accept" {
      guard let state = source.states[name] else { throw P4Error("there is no state \(name)") }
      for path in state.extracts {
        let header = String(path.dropFirst("hdr.".count))
        let layout = try layout(of: header)
        let size = layout.reduce(0) { $0 + $1.width } / 8
        guard rest.count >= size else { return Array(rest) }
        let all = P4Bits(bytes: rest.prefix(size))
        var high = all.width
        for field in layout {
          fields["\(path).\(field.name)"] = all.slice(high - 1, high - field.width)
          high -= field.width
        }
        valid.insert(path)
        rest = rest.dropFirst(size)
      }
      guard let selects = state.selects else {
        name = state.next
        continue
      }
      let value = try evaluate(selects, width: nil)
      let match = try state.cases.first { wanted, _ in
        try wanted.map { try evaluate($0, width: value.width) == value } ?? true
      }
      guard let match else { throw P4Error("\(name) selects nothing") }
      name = match.1
    }
    return Array(rest)
  }

  private func layout(of header: String) throws -> [P4Source.Field] {
    guard let type = source.headers.first(where: { $0.name == header })?.type, let layout = source.types[type]
    else { throw P4Error("there is no header \(header)") }
    return layout
  }

  private func deparse() throws -> [UInt8] {
    emitted = []
    try run(source.controls["CellDeparser"]?.apply ?? [])
    return try emitted.filter(valid.contains).flatMap { path in
      try layout(of: String(path.dropFirst("hdr.".count))).map {
        fields["\(path).\($0.name)"] ?? P4Bits(width: 0)
      }
      .reduce(P4Bits(width: 0)) { $0.followed(by: $1) }.bytes
    }
  }

  // MARK: What statements call

  func apply(table name: String) throws -> Bool {
    guard let table = try ingress.tables[name] else { throw P4Error("there is no table \(name)") }
    let key = try table.key.map { try evaluate($0, width: nil) }
    let entry = entries[name]?[key]
    try run(action: entry?.action ?? table.defaultAction, entry?.values ?? [])
    return entry != nil
  }

  func run(action name: String, _ values: [P4Bits]) throws {
    guard let action = try ingress.actions[name], action.parameters.count == values.count else {
      throw P4Error("there is no action \(name) of \(values.count) values")
    }
    let outer = locals
    defer { locals = outer }
    locals = Dictionary(uniqueKeysWithValues: zip(action.parameters.map(\.name), values))
    try run(action.body)
  }

  func call(_ path: String, _ arguments: [P4Expression]) throws {
    let parts = path.split(separator: ".").map(String.init)
    switch (parts.last, arguments.count) {
    case ("apply", 0): _ = try apply(table: parts[0])
    case ("emit", 1): if case .name(let header) = arguments[0] { emitted.append(header) }
    case ("mark_to_drop", 1): fields["standard_metadata.egress_spec"] = P4Bits(Self.dropPort, width: 9)
    case ("recirculate_preserving_field_list", 1): isRecirculated = true
    case ("read", 2):
      guard case .name(let target) = arguments[0] else { throw P4Error("\(path) reads into nothing") }
      let (place, values) = try cell(of: parts[0], at: arguments[1])
      try assign(target, values[place])
    case ("write", 2):
      let (place, values) = try cell(of: parts[0], at: arguments[0])
      registers[parts[0]]?[place] = try evaluate(arguments[1], width: values[place].width)
    case (_, 0) where parts.count == 1: try run(action: path, [])
    default: throw P4Error("nothing is called \(path)")
    }
  }

  private func cell(of register: String, at place: P4Expression) throws -> (Int, [P4Bits]) {
    let place = try evaluate(place, width: 32)
    guard let values = registers[register], values.indices.contains(Int(place.value)) else {
      throw P4Error("\(register) has no place \(place.value)")
    }
    return (Int(place.value), values)
  }
}
