import Foundation
import Glibc
import MedullaBase
import MedullaKernel

/// What `up` leaves for the commands and clients that come after it: `state.json` in the fabric's folder.
package struct FabricState: Sendable, Equatable, Codable {
  package static let version = 2
  private static let fileName = "state.json"
  private static let byteLimit = 4 << 20

  /// A network that is on the fabric.
  package struct Model: Sendable, Equatable, Codable {
    package var name: String
    package var number: Int
    package var epoch: Int
    /// Its plan's folder, a copy that belongs to the fabric.
    package var plan: String
  }

  /// What lies in a switch's memory.
  package struct Task: Sendable, Equatable, Codable {
    package var node: String
    package var model: Int
    package var epoch: Int
    package var stage: Int
    /// Which part of which network it is.
    package var content: String
    package var address: UInt64
    /// Where in the memory: the first byte, and the one behind the last.
    package var ranges: [[Int]]
    /// Where what it has in common with others of its content on its switch is.
    package var constants: [[Int]]

    var installed: InstalledTask {
      InstalledTask(
        address: address, ranges: ranges.map { $0[0]..<$0[1] }, constants: constants.map { $0[0]..<$0[1] })
    }
  }

  /// A version of a network that was replaced: whoever did it takes it away, or anybody once it is overdue.
  struct Leaving: Sendable, Equatable, Codable {
    var model: Model
    /// Since the machine was started.
    var overdueSeconds: Double
    var isRefused = false
  }

  package var stateVersion = Self.version
  package var fabric: String
  package var datapath: FabricDatapath
  /// As it was wired, whatever of it is down.
  package var topology: FabricTopology
  package var cells: CellFormat
  package var room: InstalledTask.Room
  package var models: [Model] = []
  package var tasks: [Task] = []
  var leaving: [Leaving] = []

  package func model(_ name: String?) -> Model? {
    name.map { name in models.first { $0.name == name } } ?? (models.count == 1 ? models[0] : nil)
  }

  /// The network of that name, or the only one.
  ///
  /// - Throws: `badInput` with what there is.
  package func requiredModel(_ name: String?) throws(FabricError) -> Model {
    if let model = model(name) { return model }
    throw FabricError(
      .badInput, name.map { "the fabric \(fabric) has no network \($0)" } ?? "say which network",
      remedy: "it has " + models.map(\.name).joined(separator: ", "))
  }

  package static func path(_ names: FabricNames) -> String { "\(names.folder)/\(fileName)" }

  /// - Throws: `notRunning` when there is no such fabric.
  package static func read(_ names: FabricNames) throws(FabricError) -> FabricState {
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path(names)))
      defer { try? handle.close() }
      let state = try JSONDecoder().decode(
        FabricState.self, from: try handle.read(upToCount: byteLimit) ?? Data())
      guard state.stateVersion == version else { throw CocoaError(.coderInvalidValue) }
      return state
    } catch {
      throw FabricError(
        .notRunning, "there is no fabric \(names.fabric)",
        cause: FileManager.default.fileExists(atPath: path(names)) ? error.localizedDescription : "",
        remedy: "`medulla fabric up PLAN` starts one")
    }
  }

  /// Replaces the file as a whole.
  package func write(_ names: FabricNames) throws(FabricError) {
    do {
      try FileManager.default.createDirectory(atPath: names.folder, withIntermediateDirectories: true)
      try Data(JSONText.encode(self, keys: .asNamed).utf8)
        .write(to: URL(fileURLWithPath: Self.path(names)), options: .atomic)
    } catch {
      throw FabricError(
        .system, "the fabric's state cannot be written to \(names.folder)", cause: error.localizedDescription,
        remedy: "check that /run has room and is writable")
    }
  }
}

extension FabricState {
  /// One of the switches.
  func open(_ name: String, _ number: Int, _ names: FabricNames) throws(FabricError) -> FabricSwitch {
    try onKernel { () throws(KernelError) in
      switch datapath {
      case .kernel: try KernelSwitch(pinnedAt: names.pins(of: name), number: number)
      case .userspace: try UserspaceSwitch(sharedAt: names.memory(of: name), number: number)
      }
    }
  }

  /// Whether somebody holds the server's lock; those who look do not disturb each other.
  private func isServed(_ names: FabricNames) -> Bool {
    let number = Glibc.open(names.serverLock, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return false }
    defer { close(number) }
    return flock(number, LOCK_SH | LOCK_NB) != 0
  }

  /// - Throws: `notRunning` where the process is gone that the switches were in.
  func demandService(_ names: FabricNames) throws(FabricError) {
    guard datapath == .userspace, !isServed(names) else { return }
    throw FabricError(
      .notRunning, "the process that had the switches of the fabric \(fabric) has ended",
      remedy: "`medulla fabric down --name \(fabric)` removes what it has left")
  }
}
