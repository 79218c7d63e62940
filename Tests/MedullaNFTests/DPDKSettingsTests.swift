import MedullaNF
import Testing

@Suite("The settings of a chain over DPDK")
struct DPDKSettingsTests {
  static func chain(_ change: (inout ChainSettings, inout DPDKSettings) -> Void) -> ChainSettings {
    var chain = ChainSettings(name: "case", interface: "wire")
    var function = ChainFunction(name: "first")
    function.ownsReceive = false
    chain.functions = [function]
    chain.rules = [DemultiplexerRule(function: "first")]
    var dpdk = DPDKSettings([DPDKSettings.Device("wire", "net_memif0,role=server")])
    change(&chain, &dpdk)
    chain.engine = .dpdk(dpdk)
    return chain
  }

  private static let impossible: [(String, @Sendable (inout ChainSettings, inout DPDKSettings) -> Void)] = [
    ("the interface wire has no device of DPDK", { $1.devices = [] }),
    ("the interface out has no device of DPDK", { chain, _ in chain.outputs = ["out"] }),
    (
      "the chain has no interface other, which a device is of",
      { $1.devices.append(DPDKSettings.Device("other", "net_ring0")) }
    ),
    ("two devices have one name", { $1.devices.append($1.devices[0]) }),
    (
      "rules cannot ask the classifier cls: it decides of the kernel's frames, not DPDK's",
      { chain, _ in chain.rules[0].flowClass = FlowClass("web", of: "cls", row: 0) }
    ),
    (
      "\",role=server\" is no device, such as net_memif0,role=server",
      { $1.devices[0].text = ",role=server" }
    ),
    (
      "the output out has 2 devices, and frames are sent by one",
      {
        $0.outputs = ["out"]
        $1.devices += [DPDKSettings.Device("out", "net_ring0"), DPDKSettings.Device("out", "net_ring1")]
      }
    ),
    ("mode sleep cannot be: DPDK's drivers wake nobody, they are asked", { chain, _ in chain.mode = .sleep }),
    (
      "first: the fallback cannot be the kernel, whose frames DPDK's are not",
      { chain, _ in chain.functions[0].fallback = .kernel }
    ),
    (
      "first: with DPDK the host receives for it, so that it has no ring of its own",
      { chain, _ in chain.functions[0].ownsReceive = true }
    ),
    (
      "net_af_xdp needs frames of 4096 bytes: it keeps 576 of each, and 1514 must fit",
      { $1.devices[0].text = "net_af_xdp0,iface=eth0" }
    ),
    (
      "first may not be writable: net_af_xdp keeps addresses of the host in packet memory",
      {
        $1.devices[0].text = "net_af_xdp0,iface=eth0"
        $0.functions[0].isWritable = true
      }
    ),
  ]

  @Test("a chain of one device is taken, and what cannot be is told, with where it is", arguments: impossible)
  func refused(_ problem: String, _ change: @Sendable (inout ChainSettings, inout DPDKSettings) -> Void) {
    #expect(Self.chain { _, _ in }.problems() == [])
    #expect(Self.chain(change).problems().contains(problem))
  }

  @Test("quotas must leave each device its own frames")
  func quotas() {
    let problems = Self.chain { chain, _ in chain.functions[0].quota = 12_289 }.problems()
    #expect(problems.count == 1 && problems[0].contains("4096 for DPDK's devices"))
    #expect(Self.chain { chain, _ in chain.functions[0].quota = 12_288 }.problems() == [])
  }

  @Test("DPDK is started without huge pages, cards and files, unless the settings say otherwise")
  func environment() {
    func words(_ change: (inout DPDKSettings) -> Void = { _ in }) -> [String] {
      var settings = DPDKSettings([DPDKSettings.Device("wire", "net_ring0")])
      change(&settings)
      return settings.environment(frames: 16_384, processor: 3, prefix: "medulla-7")
    }
    let plain = words()
    #expect(plain.first == "medulla" && plain.suffix(3) == ["--no-huge", "-m", "84"])
    for word in ["--no-shconf", "--no-telemetry", "--no-pci", "--lcores=0@3", "--file-prefix=medulla-7"] {
      #expect(plain.contains(word))
    }
    let own = words { $0.arguments = ["--in-memory"] }
    #expect(own.last == "--in-memory" && !own.contains("--no-huge") && own.contains("--no-pci"))
    #expect(!words { $0.devices.append(DPDKSettings.Device("wire", "0000:01:00.0")) }.contains("--no-pci"))
  }
}
