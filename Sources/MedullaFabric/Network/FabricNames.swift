/// What a running fabric is called in the kernel and on disk.
package struct FabricNames: Sendable, Equatable {
  package static let standard = "default"
  package static let runFolder = "/run/medulla/fabric"
  package static let pinFolder = "/sys/fs/bpf/medulla/fabric"
  /// Of memories that processes share.
  package static let memoryFolder = "/dev/shm/medulla-fabric"
  /// Of an interface's name in a switch's namespace.
  package static let port = "port"
  package static let loop = "loop"
  package static let here = "here"
  /// In the clients' namespace.
  package static let clientInterface = "fabric"
  private static let lengthLimit = 32

  package let fabric: String

  /// - Throws: `badName` when it is no plain word.
  package init(_ fabric: String) throws(FabricError) {
    let isPlain = fabric.utf8.allSatisfy {
      (48...57).contains($0) || (97...122).contains($0) || (65...90).contains($0) || $0 == 45 || $0 == 95
    }
    guard isPlain, !fabric.isEmpty, fabric.utf8.count <= Self.lengthLimit else {
      throw FabricError(
        .badName, "\"\(fabric)\" cannot name a fabric",
        remedy: "use up to \(Self.lengthLimit) letters, digits, - and _")
    }
    self.fabric = fabric
  }

  package func namespace(_ node: String) -> String { "medulla-fabric-\(fabric)-\(node)" }
  /// Those of the fabric among namespaces, where there are also these fabrics: one may be called as another
  /// one and a switch of it.
  package func namespaces(among spaces: [String], beside fabrics: [String]) -> [String] {
    let others = fabrics.filter { $0.hasPrefix("\(fabric)-") }.compactMap { try? FabricNames($0) }
    return spaces.filter { space in
      space.hasPrefix(namespace("")) && !others.contains { space.hasPrefix($0.namespace("")) }
    }
  }

  package var clientNamespace: String { namespace("clients") }
  package static func path(ofNamespace name: String) -> String { "/run/netns/\(name)" }
  package var folder: String { "\(Self.runFolder)/\(fabric)" }
  package var pins: String { "\(Self.pinFolder)/\(fabric)" }
  package func pins(of node: String) -> String { "\(pins)/\(node)" }
  var memories: String { "\(Self.memoryFolder)/\(fabric)" }
  func memory(of node: String) -> String { "\(memories)/\(node)" }
  /// Held by whoever changes what is on the fabric.
  var changeLock: String { "\(folder)/change.lock" }
  /// Held by the process whose switches are in user space.
  var serverLock: String { "\(folder)/server.lock" }
}
