import CMedullaNF

/// The devices of a chain over DPDK.
package struct DPDKSettings: Sendable, Equatable {
  /// One device, and which of the chain's interfaces it is a part of.
  package struct Device: Sendable, Equatable {
    package var interface: String
    /// As DPDK reads it, such as `net_memif0,role=server,socket=/run/a.sock`.
    package var text: String

    package init(_ interface: String, _ text: String) {
      self.interface = interface
      self.text = text
    }

    /// What DPDK calls it.
    var name: String { String(text.prefix { $0 != "," }) }
    /// Without the number at its end.
    var driver: String { String(name.reversed().drop(while: \.isNumber).reversed()) }
  }

  /// Frames of each device's own: to receive into, and on their way out.
  static let reserve = 4_096
  static let textLimit = 1_024
  static let argumentLimit = 64

  /// Those of one interface together: all of the chain's interface receive, and the first of each sends.
  package var devices: [Device]
  /// Of DPDK's environment, instead of those by which it has no huge pages.
  package var arguments: [String] = []
  /// Nothing is received before every function has come once: for captures, which wait for nobody.
  package var awaitsFunctions = false

  package init(_ devices: [Device]) {
    self.devices = devices
  }

  /// Whether a driver wants its own bookkeeping before each frame, in packet memory.
  var isInPlace: Bool { devices.contains { $0.driver == Self.inPlaceDriver } }
  static let inPlaceDriver = "net_af_xdp"

  /// All arguments of the environment, with the program's name first.
  ///
  /// - Parameters:
  ///   - frames: of packet memory; each has 256 bytes of DPDK's own.
  ///   - processor: one that this process may use.
  ///   - prefix: of files; one of a kind on this machine.
  package func environment(frames: Int, processor: Int, prefix: String) -> [String] {
    let own = Self.baseMegabytes + frames / 4_096 + devices.count * 16
    let isPhysical = devices.contains { !$0.name.hasPrefix("net_") }
    return ["medulla", "--no-shconf", "--no-telemetry", "--iova-mode=va", "--file-prefix=\(prefix)"]
      + ["--lcores=0@\(processor)"] + (isPhysical ? [] : ["--no-pci"])
      + (arguments.isEmpty ? ["--no-huge", "-m", "\(own)"] : arguments)
  }

  private static let baseMegabytes = 64
}

extension ChainSettings {
  func engineProblems() -> [String] {
    guard case .dpdk(let dpdk) = engine else { return [] }
    var found = deviceProblems(dpdk)
    if mode == .sleep { found.append("mode sleep cannot be: DPDK's drivers wake nobody, they are asked") }
    if let classifier = classifiers.min() {
      found.append(
        "rules cannot ask the classifier \(classifier): it decides of the kernel's frames, not DPDK's")
    }
    for function in functions {
      if function.fallback == .kernel {
        found.append("\(function.name): the fallback cannot be the kernel, whose frames DPDK's are not")
      }
      if function.ownsReceive {
        found.append(
          "\(function.name): with DPDK the host receives for it, so that it has no ring of its own")
      }
    }
    guard dpdk.isInPlace else { return found }
    let driver = DPDKSettings.inPlaceDriver
    if memory.frameBytes != 4_096 {
      found.append("\(driver) needs frames of 4096 bytes: it keeps 576 of each, and 1514 must fit")
    }
    for function in functions where function.isWritable {
      found.append(
        "\(function.name) may not be writable: \(driver) keeps addresses of the host in packet memory")
    }
    return found
  }

  private func deviceProblems(_ dpdk: DPDKSettings) -> [String] {
    var found: [String] = []
    for name in [interface] + outputs {
      let count = dpdk.devices.count { $0.interface == name }
      if count == 0 { found.append("the interface \(name) has no device of DPDK") }
      if count > 1, name != interface {
        found.append("the output \(name) has \(count) devices, and frames are sent by one")
      }
    }
    if dpdk.devices.count > Int(NF_DPDK_DEVICES) {
      found.append("it has more than \(NF_DPDK_DEVICES) devices")
    }
    for device in dpdk.devices {
      if !([interface] + outputs).contains(device.interface) {
        found.append("the chain has no interface \(device.interface.prefix(60)), which a device is of")
      }
      if device.name.isEmpty || device.text.utf8.count > DPDKSettings.textLimit
        || device.text.utf8.contains(0)
      {
        found.append("\"\(device.text.prefix(60))\" is no device, such as net_memif0,role=server")
      }
    }
    if Set(dpdk.devices.map(\.name)).count < dpdk.devices.count { found.append("two devices have one name") }
    let texts = dpdk.arguments
    if texts.count > DPDKSettings.argumentLimit || texts.contains(where: { $0.utf8.count > 1_024 }) {
      found.append("DPDK's arguments are more than \(DPDKSettings.argumentLimit), or one is too long")
    }
    return found
  }
}
