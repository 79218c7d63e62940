import Glibc
import MedullaAdaptation
import MedullaBase
import MedullaNF
import MedullaNFFunctions

extension ChainFile {
  mutating func take(_ root: inout TableReader) {
    settings.outputs = root.strings("outputs") ?? []
    settings.mode = root.word("mode", PollMode.allCases.map { ($0.rawValue, $0) }) ?? settings.mode
    settings.knowsTime = root.boolean("timestamps") ?? settings.knowsTime
    var memory = root.table("memory")
    settings.memory.frames = memory.integer("frames", in: MemorySettings.frameRange) ?? settings.memory.frames
    settings.memory.frameBytes =
      memory.number("frame_size", of: MemorySettings.frameSizes) ?? settings.memory.frameBytes
    settings.memory.hugePages =
      memory.word("huge_pages", MemorySettings.Pages.allCases.map { ($0.rawValue, $0) })
      ?? settings.memory.hugePages
    memory.finish()
    takeEngine(&root)
    var functions = root.tables("functions")
    let names = functions.compactMap { $0.probe("name") }
    for index in functions.indices { take(function: &functions[index], names: Set(names)) }
    var rules = root.tables("rules")
    for index in rules.indices { settings.rules.append(DemultiplexerRule(&rules[index])) }
  }

  /// Who receives and sends frames, and by what.
  private mutating func takeEngine(_ root: inout TableReader) {
    let isOverDPDK = root.word("engine", [("af_xdp", false), ("dpdk", true)]) ?? false
    guard isOverDPDK else {
      if root.has("dpdk") { root.problem("dpdk", "needs engine: dpdk") }
      _ = root.table("dpdk")
      return
    }
    var table = root.table("dpdk")
    var dpdk = DPDKSettings([])
    for var device in table.tables("devices") {
      let interface = device.string("interface") ?? settings.interface
      let text = device.requiredString("device", example: "net_memif0,role=server,socket=/run/a.sock")
      dpdk.devices.append(DPDKSettings.Device(interface, text))
      device.finish()
    }
    dpdk.arguments = table.strings("eal") ?? []
    dpdk.awaitsFunctions = table.boolean("waits") ?? false
    table.finish()
    settings.engine = .dpdk(dpdk)
  }

  private mutating func take(function table: inout TableReader, names: Set<String>) {
    var function = ChainFunction(name: table.requiredString("name", example: "classify"))
    let fallbacks = ChainFunction.Fallback.allCases.map { ($0.rawValue, $0) }
    function.quota = table.integer("quota", in: ChainFunction.quotaRange) ?? function.quota
    function.fallback = table.word("fallback", fallbacks) ?? function.fallback
    func target(_ text: String) -> ChainFunction.Target {
      text == "release" ? .release : names.contains(text) ? .function(text) : .interface(text)
    }
    function.next = table.string("next").map(target) ?? .release
    function.branches = (table.strings("branches") ?? []).map(target)
    function.isWritable = table.boolean("writable") ?? false
    if table.has("options") {
      let options = table.options("options")
      function.parameters = (try? JSONText.encode(options, keys: .asNamed)) ?? "{}"
    }
    let launch = launch(&table, function: &function)
    let receives = [("own", true), ("host", false)]
    // Who comes by itself is kept from nothing but what its user may not do.
    function.ownsReceive = table.word("receive", receives) ?? (launch != .attaches && settings.engine == .xdp)
    table.finish()
    settings.functions.append(function)
    launches[function.name] = launch
  }

  private func launch(_ table: inout TableReader, function: inout ChainFunction) -> Launch {
    let kind = table.string("kind")
    let command = table.strings("command")
    let attaches = table.boolean("attaches") ?? false
    var isolation = ProcessIsolation()
    let levels = ProcessIsolation.Level.allCases.map { ($0.rawValue, $0) }
    isolation.level = table.word("isolation", levels) ?? isolation.level
    isolation.user = table.string("user")
    isolation.reads = (table.strings("reads") ?? []).map { ConfigurationPath.absolute($0, from: directory) }
    isolation.memory = table.bytes("memory", in: ProcessIsolation.memoryRange) ?? isolation.memory
    isolation.tasks = table.integer("tasks", in: ProcessIsolation.taskRange) ?? isolation.tasks
    if let user = isolation.user {
      do throws(ControlError) {
        function.user = try Privileges.account(named: user).user
      } catch {
        table.problem("user", error.message)
      }
    }
    switch (kind, command, attaches) {
    case (let kind?, nil, false):
      if !BuiltInFunctions.names.contains(kind) {
        table.problem(
          "kind",
          "there is no function \"\(kind.prefix(60))\"; kinds are "
            + BuiltInFunctions.names.joined(separator: ", ")
        )
      }
      return .builtIn(kind: kind, isolation)
    case (nil, let command?, false):
      if command.first?.isEmpty ?? true { table.problem("command", "must name a program") }
      let program = ConfigurationPath.program(command.first ?? "", from: directory)
      return .command([program] + command.dropFirst(), isolation)
    case (nil, nil, true): return .attaches
    default:
      table.problem(nil, "needs one of the keys kind, command and attaches")
      return .attaches
    }
  }
}

extension DemultiplexerRule {
  /// Of IP, by name.
  private static let protocols = [("tcp", 6), ("udp", 17), ("icmp", 1), ("icmpv6", 58), ("sctp", 132)]

  /// Of Ethernet, by name.
  private static let etherTypes = [("ipv4", 0x0800), ("arp", 0x0806), ("ipv6", 0x86dd)]

  init(_ table: inout TableReader) {
    let name = table.requiredString("function", example: "classify")
    self.init(function: name == "kernel" ? nil : name)
    etherType =
      table.probe("ethertype") == nil
      ? table.integer("ethertype", in: 0...0xffff) : table.word("ethertype", Self.etherTypes)
    if table.probe("vlan") == "none" {
      _ = table.string("vlan")
      vlan = VLAN.none
    } else {
      vlan = table.integer("vlan", in: 0...4_095).map(VLAN.tag)
    }
    ipProtocol =
      table.probe("protocol") == nil
      ? table.integer("protocol", in: 0...255) : table.word("protocol", Self.protocols)
    source = table.prefix("source")
    destination = table.prefix("destination")
    sourcePorts = table.ports("source_port")
    destinationPorts = table.ports("destination_port")
    flowClass = table.flowClass()
    table.finish()
  }
}

extension TableReader {
  /// One of a few numbers.
  fileprivate mutating func number(_ key: String, of numbers: [Int]) -> Int? {
    guard let first = numbers.min(), let last = numbers.max(), let number = integer(key, in: first...last)
    else { return nil }
    if !numbers.contains(number) {
      problem(key, "takes \(numbers.map(String.init).joined(separator: " or "))")
    }
    return number
  }

  fileprivate mutating func prefix(_ key: String) -> AddressPrefix? {
    guard let text = string(key) else { return nil }
    if let prefix = AddressPrefix(text) { return prefix }
    problem(key, "\"\(text.prefix(60))\" is no address or prefix, such as 10.0.0.0/8 or 2001:db8::/32")
    return nil
  }

  /// A class by label or number, and the instance that decides it: both or neither.
  fileprivate mutating func flowClass() -> FlowClass? {
    let name = probe("class") == nil ? integer("class", in: 0...1_000).map(String.init) : string("class")
    let classifier = string("classifier")
    if let name, let classifier { return FlowClass(name, of: classifier) }
    if name != nil || classifier != nil {
      problem(nil, "needs both keys class and classifier, or none of them")
    }
    return nil
  }

  /// A port, or the first and the last of several.
  fileprivate mutating func ports(_ key: String) -> ClosedRange<Int>? {
    guard has(key) else { return nil }
    if let text = probe(key) {
      _ = string(key)
      let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      if ends.count == 2, let first = ends[0], let last = ends[1], 0 <= first, first <= last, last <= 65_535 {
        return first...last
      }
      problem(key, "\"\(text.prefix(60))\" is no range of ports, such as 8000-8080")
      return nil
    }
    return integer(key, in: 0...65_535).map { $0...$0 }
  }
}
