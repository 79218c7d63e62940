import MedullaBase
import MedullaFrames

extension LabelSettings.Agent {
  /// nDPI in a process of its own: it is C that parses what strangers send.
  package struct NDPI: Sendable, Equatable, Codable {
    /// Whose packets it sees; empty: that at which the function is, which whoever knows it fills in.
    package var interface: String
    /// A file that says what nDPI's names stand for (docs/use/labels.md).
    package var map: String
    /// How long it waits for more packets of a flow that is not told yet: less than the adapter waits for it.
    package var patience: Duration
    /// Whether the ports may tell a flow that its packets do not.
    package var guessesByPort: Bool
    package var deadline: Duration
    package var isolation: ProcessIsolation

    package init(
      interface: String = "", map: String, patience: Duration = .seconds(1), guessesByPort: Bool = false,
      deadline: Duration = .seconds(10), isolation: ProcessIsolation = ProcessIsolation()
    ) {
      (self.interface, self.map, self.patience) = (interface, map, patience)
      (self.guessesByPort, self.deadline, self.isolation) = (guessesByPort, deadline, isolation)
    }

    package static let patiences: ClosedRange<Duration> = .zero...(.seconds(3_600))

    func validate(_ demand: (Bool, String) throws(AdaptationError) -> Void) throws(AdaptationError) {
      try demand(!map.isEmpty, "map is empty")
      try demand(
        !interface.isEmpty, "interface is missing, and the function has no hook that tells one")
      // The kernel's rule for names of interfaces, with room for the ending zero.
      let isName =
        interface.utf8.count < 16
        && interface.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 < 0x7f }
      try demand(isName, "\"\(interface)\" is no name of an interface")
      try demand(Self.patiences.contains(patience), "patience must be 0 to 1h")
      try demand(AdapterSettings.deadlines.contains(deadline), "deadline must be 10ms to 1h")
    }
  }
}

extension ProcessSettings {
  /// Our own program, which lies beside the running one.
  ///
  /// - Parameter filter: the object of a program that says which packets it sees; nil: all.
  /// - Throws: `SiblingProgramError` when it does not.
  package static func ndpi(
    _ settings: LabelSettings.Agent.NDPI, through filter: [UInt8]? = nil
  ) throws -> ProcessSettings {
    var process = ProcessSettings(
      command: [try SiblingProgram.path("medulla"), "labels", "ndpi-process"], isolation: settings.isolation,
      options: [
        NDPIProcess.Option.map: .text(settings.map),
        NDPIProcess.Option.interface: .text(settings.interface),
        NDPIProcess.Option.patience: .number(settings.patience.seconds),
        NDPIProcess.Option.guessesByPort: .flag(settings.guessesByPort),
      ], deadline: settings.deadline)
    process.isolation.reads += [settings.map] + LoadedLibraries.folders
    process.packets = PacketSupply(of: settings.interface, through: filter)
    // What ends it is a packet, or an interface that is not there: neither stays so for good.
    process.restart.limit = .max
    return process
  }
}
