import CHost
import Foundation

/// A network namespace with a slow loopback, removed with its last owner.
package final class SlowLoopback: Sendable {
  package static let address = "127.0.0.1"
  package let name: String

  /// - Parameters:
  ///   - rate: of the loopback in both directions together, as `tc` writes it.
  ///   - burst: bytes that may leave at once.
  package init(rate: String = "200mbit", burst: Int = 40_000) throws {
    // The form by which an abandoned namespace is told from one in use.
    name = "medulla-\(getpid())-\(UInt32.random(in: 0...UInt32.max))-loopback"
    try Self.run(["ip", "netns", "add", name])
    do {
      try Self.run(["ip", "-n", name, "link", "set", "lo", "mtu", "1500", "up"])
      try Self.run([
        "ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", rate, "burst",
        "\(burst)", "limit", "60000",
      ])
    } catch {
      try? Self.run(["ip", "netns", "del", name])
      throw error
    }
  }

  deinit { try? Self.run(["ip", "netns", "del", name]) }

  package struct Failure: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
  }

  /// What a program says on standard output inside the namespace.
  package func output(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["ip", "netns", "exec", name] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let text = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
  }

  package static func run(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(
        description: "\(arguments.joined(separator: " ")): \(String(decoding: text, as: UTF8.self))")
    }
  }

  /// Runs `body` on a thread of its own that has entered the namespace.
  package func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    let box = ThreadWork(body)
    let done = DispatchSemaphore(value: 0)
    let path = "/run/netns/\(name)"
    Thread {
      // What the body holds is not left to the thread's end, which nobody waits for.
      defer {
        box.body = nil
        done.signal()
      }
      box.result = Result {
        let status = medulla_enter_network_namespace(path)
        guard status == 0 else { throw Failure(description: "cannot enter \(path): \(-status)") }
        guard let body = box.body else { throw Failure(description: "there is nothing to run") }
        return try body()
      }
    }.start()
    done.wait()
    guard let result = box.result else { throw Failure(description: "the thread gave nothing") }
    return try result.get()
  }
}

private final class ThreadWork<Value: Sendable>: @unchecked Sendable {
  var body: (@Sendable () throws -> Value)?
  var result: Result<Value, any Error>?

  init(_ body: @escaping @Sendable () throws -> Value) { self.body = body }
}
