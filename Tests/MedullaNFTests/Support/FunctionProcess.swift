import Foundation
import Glibc
import Testing

/// A network function in a process of its own, of a user without rights; killed with its last owner.
final class FunctionProcess {
  static let user: UInt32 = 65_534

  /// Where the programs of this package are.
  static var folder: URL {
    Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL.deletingLastPathComponent()
      ?? Bundle.main.bundleURL
  }

  private let process = Process()
  private let output = Pipe()

  /// - Parameters:
  ///   - program: one of this package.
  ///   - user: nil: that of the tests.
  init(_ program: String, _ arguments: [String], user: UInt32? = FunctionProcess.user) throws {
    let path = Self.folder.appendingPathComponent(program).path
    process.executableURL = URL(fileURLWithPath: user == nil ? path : "/usr/bin/setpriv")
    let rights = user.map {
      ["--reuid", "\($0)", "--regid", "\($0)", "--clear-groups", "--no-new-privs", path]
    }
    process.arguments = (rights ?? []) + arguments
    process.standardOutput = output
    try process.run()
  }

  deinit { kill() }

  var isRunning: Bool { process.isRunning }
  var identifier: pid_t { process.processIdentifier }

  func kill() {
    guard process.isRunning else { return }
    Glibc.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// What it has said, once it has ended.
  func text() -> String {
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: bytes, as: UTF8.self)
  }
}
