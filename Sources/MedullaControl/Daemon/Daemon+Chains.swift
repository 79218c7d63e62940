import Foundation
import MedullaBase
import MedullaNF

// Chains of network functions.
extension Daemon {
  /// Makes the hosts of the chains that the configuration names; they run with the daemon.
  func prepareChains() throws {
    guard let settings = lock.withLock({ configuration.networkFunctions }) else { return }
    try OwnedTree.make(settings.directory, mode: 0o755)
    guard !settings.chains.isEmpty else { return }
    let object = try installedDemultiplexer()
    for path in settings.chains {
      try chains.add(ChainFile(path: path), object: object, directory: settings.directory)
    }
  }

  private func installedDemultiplexer() throws(ControlError) -> [UInt8] {
    if let object = DemultiplexerObject.installed() { return object }
    throw ControlError(
      .badConfiguration, "the demultiplexer of chains (\(DemultiplexerObject.fileName)) is not installed",
      remedy: "`make build` makes it and `make install` installs it; `medulla nf start` brings its own")
  }

  func startChain(_ request: ControlRequest, _ peer: ControlPeer) throws(ControlError) -> ControlOutcome {
    guard let settings = lock.withLock({ configuration.networkFunctions }) else {
      throw ControlError(
        .refused, "this daemon was started without network functions",
        remedy:
          "add the table network_functions to \(configurationPath) and start it again: it needs further "
          + "privileges for them")
    }
    // A chain's file names programs and users: this is more than a word to a function that is there.
    guard peer.user == 0 || peer.user == geteuid() else {
      throw ControlError(.refused, "only root and the daemon's own user start chains")
    }
    guard let path = request.path, path.hasPrefix("/") else {
      throw ControlError(.badParameter, "start_chain needs a \"path\" from the root")
    }
    let file = try ChainFile(path: path)
    let object = try object(of: request)
    log.notice("told to start the chain of \(path) by user \(peer.user), process \(peer.process)")
    let socket = try add(file, object: object, directory: settings.directory)
    return ControlOutcome("the chain \(file.settings.name) runs; functions come to \(socket)")
  }

  private func object(of request: ControlRequest) throws(ControlError) -> [UInt8] {
    guard let text = request.object else { return try installedDemultiplexer() }
    guard let data = Data(base64Encoded: text) else {
      throw ControlError(.badParameter, "\"object\" is not in base64")
    }
    return [UInt8](data)
  }

  private func add(
    _ file: ChainFile, object: [UInt8], directory: String
  ) throws(ControlError) -> String {
    do {
      return try chains.add(file, object: object, directory: directory)
    } catch let error as ControlError {
      throw error
    } catch let error as any DescribedError {
      throw ControlError(.fastPath, error.message, cause: error.cause, remedy: error.remedy)
    } catch {
      throw ControlError(.fastPath, "\(error)")
    }
  }

  func stopChain(_ request: ControlRequest, _ peer: ControlPeer) throws(ControlError) -> ControlOutcome {
    guard let name = request.chain else { throw ControlError(.badParameter, "stop_chain needs a \"chain\"") }
    guard chains.stop(name) else { throw unknownChain(name) }
    log.notice("told to stop the chain \(name) by user \(peer.user), process \(peer.process)")
    return ControlOutcome("the chain \(name) has ended; its interface is the kernel's alone")
  }

  func chainReports(_ name: String?) throws(ControlError) -> [ChainReport] {
    let all = chains.reports
    guard let name else { return all }
    let found = all.filter { $0.name == name }
    guard !found.isEmpty else { throw unknownChain(name) }
    return found
  }

  private func unknownChain(_ name: String) -> ControlError {
    let names = chains.names.joined(separator: ", ")
    return ControlError(
      .unknownFunction, "the daemon has no chain \"\(name.prefix(60))\"",
      remedy: names.isEmpty ? "it has none; `medulla nf start FILE` begins one" : "it has: \(names)")
  }
}
