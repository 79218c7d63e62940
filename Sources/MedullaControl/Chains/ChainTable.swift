import Foundation
import Logging
import MedullaCompile
import MedullaNF

/// The chains of a daemon, by name.
final class ChainTable: @unchecked Sendable {
  private let log: Logger
  private let lock = NSLock()
  private var services: [String: ChainService] = [:]
  private var hasBegun = false

  init(log: Logger) { self.log = log }

  /// Makes a chain's host, and starts it where the daemon serves already.
  ///
  /// - Returns: the path that functions come to.
  @discardableResult
  func add(_ file: ChainFile, object: [UInt8], directory: String) throws -> String {
    let name = file.settings.name
    guard lock.withLock({ services[name] == nil }) else {
      throw ControlError(
        .refused, "a chain \(name) runs already", remedy: "`medulla nf stop \(name)` ends it")
    }
    let file = try file.withClasses(among: .all)
    let service = try ChainService(file, object: object, directory: directory, log: log)
    let starts = lock.withLock {
      services[name] = service
      return hasBegun
    }
    if starts { service.start() }
    log.notice("chain \(name): \(file.settings.functions.count) functions over \(file.settings.interface)")
    return service.path
  }

  /// From now on all chains run.
  func begin() {
    let all = lock.withLock {
      hasBegun = true
      return services
    }
    for service in all.values { service.start() }
  }

  /// - Returns: false where there is no such chain.
  func stop(_ name: String) -> Bool {
    guard let service = lock.withLock({ services.removeValue(forKey: name) }) else { return false }
    if lock.withLock({ hasBegun }) { service.stop() }
    log.notice("chain \(name): ended")
    return true
  }

  func stopAll() {
    for name in names { _ = stop(name) }
  }

  var names: [String] { lock.withLock { services.keys.sorted() } }

  var reports: [ChainReport] {
    lock.withLock { services }.sorted { $0.key < $1.key }.map(\.value.report)
  }
}
