import Foundation

/// What experiments make in the kernel and have to remove: namespaces, pinned instances, congestion controls,
/// devices and queueing disciplines of the namespace that this process is in.
package struct Leftovers: Equatable, Sendable {
  var namespaces: Set<String>
  var instances: Set<String>
  var congestionControls: Set<String>
  var disciplines: Set<String>

  package static func read() -> Leftovers {
    func names(_ directory: String) -> Set<String> {
      Set((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
    }
    let listed = (try? ChildProcess.run(["tc", "qdisc", "show"]).outputText) ?? ""
    return Leftovers(
      namespaces: names("/run/netns").filter { $0.hasPrefix(NetworkNamespace.prefix) },
      instances: names("/sys/fs/bpf/medulla"), congestionControls: Set(CongestionControls.available()),
      disciplines: Set(listed.split(separator: "\n").map(String.init)))
  }

  /// What is here and was not before, each in words. Things whose name tells a process that still runs are
  /// somebody's work, and no leftover.
  package func beyond(
    _ before: Leftovers, isRunning: (Int32) -> Bool = { kill($0, 0) == 0 || errno == EPERM }
  ) -> [String] {
    func added(_ part: KeyPath<Leftovers, Set<String>>, _ what: String) -> [String] {
      self[keyPath: part].subtracting(before[keyPath: part]).sorted()
        .filter { name in !(Self.process(in: name).map(isRunning) ?? false) }.map { "\(what) \($0)" }
    }
    return added(\.namespaces, "namespace") + added(\.instances, "instance")
      + added(\.congestionControls, "congestion control") + added(\.disciplines, "queueing discipline")
  }

  /// The process that a name of ours ends with or contains: `fig8123`, `medulla-123-1-client`.
  static func process(in name: String) -> Int32? {
    if let owner = NetworkNamespace.owner(of: name) { return owner }
    let digits = name.reversed().prefix { $0.isNumber }
    return digits.count < name.count ? Int32(String(digits.reversed())) : nil
  }
}
