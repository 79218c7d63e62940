import MedullaNF

/// A chain over DPDK in words: `device:INTERFACE=TEXT`, `function:NAME,QUOTA,NEXT[,BRANCH…]`,
/// `writable:NAME`, `user:NAME,NUMBER`, `rule:PORT,NAME`, `every:NAME`, `bytes:N`, `eal:WORD`, `huge`,
/// `waits`. A target is `release`, `@INTERFACE` or a function. The first device's interface is the chain's.
struct HostArguments {
  struct Wrong: Error {
    let word: String
  }

  private(set) var settings: ChainSettings
  private var dpdk = DPDKSettings([])

  init(_ words: [String]) throws {
    settings = ChainSettings(name: "case", interface: "")
    settings.memory.hugePages = .no
    for word in words { try take(word) }
    settings.interface = dpdk.devices.first?.interface ?? ""
    for device in dpdk.devices where device.interface != settings.interface {
      settings.outputs.append(device.interface)
    }
    settings.engine = .dpdk(dpdk)
  }

  private mutating func take(_ word: String) throws {
    let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
    let values = (parts.count > 1 ? parts[1] : "").split(separator: ",").map(String.init)
    switch (parts[0], values.count) {
    case ("device", 1...):
      let sides = parts[1].split(separator: "=", maxSplits: 1).map(String.init)
      guard sides.count == 2 else { throw Wrong(word: word) }
      dpdk.devices.append(DPDKSettings.Device(sides[0], sides[1]))
    case ("function", 3...):
      var function = ChainFunction(name: values[0])
      function.quota = Int(values[1]) ?? 0
      function.ownsReceive = false
      function.next = target(values[2])
      function.branches = values.dropFirst(3).map(target)
      settings.functions.append(function)
    case ("writable", 1): try change(values[0]) { $0.isWritable = true }
    case ("user", 2): try change(values[0]) { $0.user = UInt32(values[1]) }
    case ("rule", 2):
      var rule = DemultiplexerRule(function: values[1])
      rule.ipProtocol = 17
      rule.destinationPorts = Int(values[0]).map { $0...$0 }
      settings.rules.append(rule)
    case ("every", 1): settings.rules.append(DemultiplexerRule(function: values[0]))
    case ("bytes", 1): settings.memory.frameBytes = Int(values[0]) ?? 0
    case ("eal", 1...): dpdk.arguments.append(parts[1])
    case ("huge", 0): settings.memory.hugePages = .require
    case ("waits", 0): dpdk.awaitsFunctions = true
    default: throw Wrong(word: word)
    }
  }

  private mutating func change(_ name: String, _ body: (inout ChainFunction) -> Void) throws {
    guard let index = settings.functions.firstIndex(where: { $0.name == name }) else {
      throw Wrong(word: name)
    }
    body(&settings.functions[index])
  }

  private func target(_ word: String) -> ChainFunction.Target {
    switch word {
    case "release": .release
    case _ where word.hasPrefix("@"): .interface(String(word.dropFirst()))
    default: .function(word)
    }
  }
}
