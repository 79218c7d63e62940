import Foundation
import Glibc

/// One end of the control socket: asks, and waits for the answer.
package final class ControlClient {
  let descriptor: Int32
  private let path: String
  private var input: [UInt8] = []
  private var nextNumber = 1

  /// Connects.
  ///
  /// - Throws: `notRunning` when no daemon listens at `path`.
  package init(path: String, timeout: Duration = .seconds(30)) throws(ControlError) {
    self.path = path
    descriptor = try UnixSocket.connect(to: path, timeout: timeout)
  }

  deinit { close(descriptor) }

  /// Whether a whole line has arrived already.
  var hasLine: Bool { input.contains(UInt8(ascii: "\n")) }

  /// Waits until the daemon has closed the connection.
  package func waitForEnd() {
    var byte: UInt8 = 0
    while recv(descriptor, &byte, 1, 0) > 0 {}
  }

  /// The answer's `result`, as JSON.
  ///
  /// - Throws: the daemon's own error, or `io` when it goes away meanwhile.
  package func ask(_ request: ControlRequest) throws(ControlError) -> [UInt8] {
    var request = request
    request.id = nextNumber
    nextNumber += 1
    try send(request.line)
    return try result()
  }

  /// The answer's `result`, decoded.
  package func ask<Value: Decodable>(
    _ request: ControlRequest, as type: Value.Type
  ) throws(ControlError) -> Value {
    try Self.decode(ask(request), as: type)
  }

  /// The next line of a subscription.
  package func result() throws(ControlError) -> [UInt8] {
    let line = try nextLine()
    guard let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] else {
      throw ControlError(.badMessage, "\(path) answered something that is no JSON object")
    }
    if let value = object["error"] {
      guard let data = try? JSONSerialization.data(withJSONObject: value),
        let error = try? JSONDecoder().decode(ControlError.self, from: data)
      else { throw ControlError(.badMessage, "\(path) answered an error of an unknown form") }
      throw error
    }
    guard let value = object["result"], JSONSerialization.isValidJSONObject(value),
      let data = try? JSONSerialization.data(
        withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])
    else { throw ControlError(.badMessage, "\(path) answered without a result") }
    return [UInt8](data)
  }

  static func decode<Value: Decodable>(_ bytes: [UInt8], as type: Value.Type) throws(ControlError) -> Value {
    do {
      return try ControlAnswer.decoder().decode(type, from: Data(bytes))
    } catch {
      throw ControlError(
        .badMessage, "the daemon's answer cannot be understood: \(error)",
        remedy: "use the `medulla` of the daemon's version")
    }
  }

  func send(_ line: [UInt8]) throws(ControlError) {
    var sent = 0
    while sent < line.count {
      let count = line[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      // What the daemon said before it closed is worth more than that the pipe is broken.
      if count < 0, errno == EPIPE { return }
      guard count > 0 else { throw UnixSocket.system("write to \(path)") }
      sent += count
    }
  }

  private func nextLine() throws(ControlError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    var searched = 0
    while true {
      if let end = input[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(input[..<end])
        input.removeFirst(end + 1)
        return line
      }
      searched = input.count
      guard input.count < ControlProtocol.answerLimit else {
        throw ControlError(.tooLarge, "\(path) answered a line without end")
      }
      let count = recv(descriptor, &bytes, bytes.count, 0)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        throw ControlError(.io, "the daemon at \(path) does not answer", remedy: "see its log")
      }
      guard count > 0 else {
        throw ControlError(.notRunning, "the daemon at \(path) has gone away", remedy: "see its log")
      }
      input.append(contentsOf: bytes[..<count])
    }
  }
}
