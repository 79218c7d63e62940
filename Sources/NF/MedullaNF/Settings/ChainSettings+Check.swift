import CMedullaNF
import MedullaBase

extension ChainSettings {
  /// Frames that are never a function's, so that every function's quota can be used at once.
  static let reserve = 1_024
  var reserve: Int {
    guard case .dpdk(let dpdk) = engine else { return Self.reserve }
    return DPDKSettings.reserve * max(1, dpdk.devices.count)
  }

  static let nameLimit = Int(NF_NAME_BYTES) - 1

  /// Functions that take frames from the demultiplexer.
  package var entries: [String] {
    functions.map(\.name).filter { name in rules.contains { $0.function == name } }
  }

  /// Instances of the kernel's classifier that rules name.
  package var classifiers: Set<String> { Set(rules.compactMap { $0.flowClass?.classifier }) }

  /// Frames that a function may have: its quota from the kernel, and as many from other functions.
  func mostHeld(by function: ChainFunction) -> Int {
    let isLedTo = functions.contains { other in
      ([other.next] + other.branches).contains(.function(function.name))
    }
    return entries.contains(function.name) && isLedTo ? 2 * function.quota : function.quota
  }

  /// What cannot be; every problem is told, with where it is.
  package func problems() -> [String] {
    nameProblems() + memoryProblems() + engineProblems() + functions.flatMap(problems(of:)) + circleProblems()
      + rules.enumerated().flatMap { problems(of: $1, number: $0) } + rulesProblems()
  }

  /// - Throws: `badSettings` with the first problem, and how many others there are.
  package func check() throws(NFError) {
    let all = problems()
    guard let first = all.first else { return }
    let others = all.count == 1 ? "" : " (and \(all.count - 1) other problems)"
    throw NFError(.badSettings, "chain \(name.prefix(60)): \(first)\(others)")
  }

  private func nameProblems() -> [String] {
    var found: [String] = []
    let allowed = { (text: String) in
      !text.isEmpty && text.utf8.count <= Self.nameLimit
        && text.utf8.allSatisfy { byte in
          (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
            || byte == 0x2d || byte == 0x5f
        }
    }
    for text in [name] + functions.map(\.name) where !allowed(text) {
      found.append(
        "the name \"\(text.prefix(60))\" must have 1 to \(Self.nameLimit) letters, digits, - and _")
    }
    for text in [interface] + outputs where text.isEmpty || text.utf8.count > 15 {
      found.append("\"\(text.prefix(60))\" cannot be an interface's name: 1 to 15 bytes")
    }
    let names = functions.map(\.name)
    if Set(names).count < names.count { found.append("two functions have one name") }
    if let both = Set(names).intersection([interface] + outputs).min() {
      found.append("\(both) is a function's name and an interface's")
    }
    if functions.isEmpty { found.append("it has no function") }
    if functions.count > Int(NF_FUNCTIONS) { found.append("it has more than \(NF_FUNCTIONS) functions") }
    return found
  }

  private func memoryProblems() -> [String] {
    var found: [String] = []
    if !MemorySettings.frameSizes.contains(memory.frameBytes) {
      found.append("a frame of \(memory.frameBytes) bytes cannot be: 2048 or 4096")
    }
    if !MemorySettings.frameRange.contains(memory.frames) {
      found.append(
        "\(memory.frames) frames cannot be: \(MemorySettings.frameRange.lowerBound) to "
          + "\(MemorySettings.frameRange.upperBound)")
    }
    let quotas = functions.reduce(0) { $0 + mostHeld(by: $1) }
    if quotas + reserve > memory.frames {
      let owner = engine == .xdp ? "the kernel" : "DPDK's devices"
      found.append(
        "the quotas of all functions (\(quotas)) and \(reserve) for \(owner) are more than the "
          + "\(memory.frames) frames of memory, so that a stuck function could starve others")
    }
    return found
  }

  private func problems(of function: ChainFunction) -> [String] {
    var found: [String] = []
    if !ChainFunction.quotaRange.contains(function.quota) {
      found.append("\(function.name): a quota of \(function.quota) cannot be")
    }
    if function.branches.count > ChainFunction.branchLimit {
      found.append("\(function.name) has more than \(ChainFunction.branchLimit) branches")
    }
    if function.parameters.utf8.count > Int(NF_PARAMETER_BYTES) {
      found.append("\(function.name): its parameters are longer than \(NF_PARAMETER_BYTES) bytes")
    }
    for target in [function.next] + function.branches {
      switch target {
      case .release: break
      case .function(let name) where name == function.name:
        found.append("\(name) leads to itself")
      case .function(let name) where !functions.contains { $0.name == name }:
        found.append("\(function.name) leads to \(name), which the chain does not have")
      case .interface(let name) where !([interface] + outputs).contains(name):
        found.append("\(function.name) leads to the interface \(name), which the chain does not have")
      default: break
      }
    }
    return found
  }

  /// A frame must leave the chain after as many functions as there are, at most.
  private func circleProblems() -> [String] {
    var reach: [String: Set<String>] = [:]
    for function in functions {
      reach[function.name] = Set(
        ([function.next] + function.branches).compactMap { target in
          guard case .function(let name) = target else { return nil }
          return name
        })
    }
    for _ in functions {
      for (name, ends) in reach {
        reach[name] = ends.reduce(into: ends) { $0.formUnion(reach[$1] ?? []) }
      }
    }
    let circles = reach.filter { $0.value.contains($0.key) }.keys.sorted()
    return circles.isEmpty ? [] : ["frames would go round in a circle by \(circles.joined(separator: ", "))"]
  }

  private func rulesProblems() -> [String] {
    var found: [String] = []
    if rules.isEmpty { found.append("it has no rule, so that no function gets frames") }
    if rules.count > Int(NF_RULES) { found.append("it has more than \(NF_RULES) rules") }
    if classifiers.count > 1 {
      let names = classifiers.sorted().joined(separator: ", ")
      found.append("its rules name several classifiers, and one can be asked: \(names)")
    }
    let reached = Set(
      functions.flatMap { [$0.next] + $0.branches }.compactMap { target -> String? in
        guard case .function(let name) = target else { return nil }
        return name
      } + entries)
    for function in functions where !reached.contains(function.name) {
      found.append("nothing leads to \(function.name)")
    }
    return found
  }

  private func problems(of rule: DemultiplexerRule, number: Int) -> [String] {
    var found: [String] = []
    func limit(_ value: Int?, _ most: Int, _ what: String) {
      if let value, !(0...most).contains(value) {
        found.append("rule \(number + 1): \(what) \(value) cannot be: 0 to \(most)")
      }
    }
    limit(rule.etherType, 0xffff, "the ethertype")
    limit(rule.ipProtocol, 255, "the protocol")
    if case .tag(let tag) = rule.vlan { limit(tag, 4_095, "the VLAN") }
    for ports in [rule.sourcePorts, rule.destinationPorts] {
      limit(ports?.lowerBound, 65_535, "the port")
      limit(ports?.upperBound, 65_535, "the port")
    }
    if let source = rule.source, let destination = rule.destination,
      source.bytes.count != destination.bytes.count
    {
      found.append("rule \(number + 1): one address is of IPv4 and one of IPv6")
    }
    if let name = rule.function, !functions.contains(where: { $0.name == name }) {
      found.append("rule \(number + 1): the chain has no function \(name)")
    }
    return found
  }
}
