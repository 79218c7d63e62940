import Foundation
import Glibc
import Logging

/// A daemon as a whole process: what `medullad` and `medulla run` share.
package enum DaemonProcess {
  /// Runs a configuration's daemon until it is told to stop.
  ///
  /// Call it from the only thread of the process when the configuration names a user.
  package static func run(configuration path: String) throws {
    // A log that nobody reads any longer must not end what it tells of.
    signal(SIGPIPE, SIG_IGN)
    let form = DaemonLog.form()
    let log = Logger(label: "medulla") { DaemonLog(label: $0, form: form) }
    let daemon = try Daemon(path: path, log: log)
    try daemon.prepare()
    try daemon.run()
  }

  /// What a configuration says, in a line or two; nothing is started.
  ///
  /// - Throws: `badConfiguration` with every problem and its line, or with all that it names and that
  ///   is not there.
  package static func check(configuration path: String) throws(ControlError) -> String {
    let configuration = try Configuration(path: path)
    try ConfigurationReferences.check(configuration)
    let functions = configuration.functions.map { "\($0.name) (\($0.adapter.kind))" }.joined(separator: ", ")
    return "\(path) has no errors: \(functions)"
  }
}
