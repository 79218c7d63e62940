import Foundation
import MedullaBase
import MedullaNF

/// Where answers about objects go.
package protocol AnswerSink: AnyObject {
  /// - Parameter envelope: of the object's sender; nil: not known.
  func take(_ answer: any Encodable & Sendable, to envelope: AnswerEnvelope?, by port: FunctionPort) throws
  /// Whether it keeps a frame that would be released, to write an answer into; then it returns the frame.
  func keeps(frameAt place: Int, by port: FunctionPort) -> Bool
  /// The last one, when the chain has ended.
  func finish(_ answer: any Encodable & Sendable) throws
}

extension AnswerSink {
  package func keeps(frameAt place: Int, by port: FunctionPort) -> Bool { false }
  package func finish(_ answer: any Encodable & Sendable) throws {}
}

package final class NoAnswers: AnswerSink {
  package init() {}
  package func take(_ answer: any Encodable & Sendable, to envelope: AnswerEnvelope?, by port: FunctionPort) {
  }
}

/// A line of JSON for each answer, in a file that begins anew when it is full; the one before is kept.
package final class AnswerFile: AnswerSink {
  package static let byteLimit = 64 << 20
  private let path: String
  private var handle: FileHandle?
  private var written = 0
  /// Lines that could not be written, such as on a full disk: the function goes on.
  package private(set) var lost: UInt64 = 0

  /// - Parameter path: a relative one is in the directory that the process may write to (TMPDIR).
  package init(_ path: String) throws(NFError) {
    self.path = Self.path(path)
    try open()
  }

  static func path(_ path: String) -> String {
    let folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? FileManager.default.currentDirectoryPath
    return path.hasPrefix("/") ? path : "\(folder)/\(path)"
  }

  private func open() throws(NFError) {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else {
      throw NFError(
        .badSettings, "answers cannot be written to \(path)",
        remedy: "an isolated function may write only below its own directory; leave `file` relative")
    }
    self.handle = handle
    written = 0
  }

  package func take(
    _ answer: any Encodable & Sendable, to envelope: AnswerEnvelope?, by port: FunctionPort
  ) throws {
    guard try !write(answer) else { return }
    lost += 1
    port.count("answers_lost", lost)
  }

  package func finish(_ answer: any Encodable & Sendable) throws { _ = try write(answer) }

  /// - Returns: false where the line could not be written.
  private func write(_ answer: any Encodable & Sendable) throws -> Bool {
    var line = try JSONText.line(answer)
    line.append(UInt8(ascii: "\n"))
    if written + line.count > Self.byteLimit { try turn() }
    guard let handle, (try? handle.write(contentsOf: Data(line))) != nil else { return false }
    written += line.count
    return true
  }

  private func turn() throws {
    try? handle?.close()
    let old = path + ".1"
    try? FileManager.default.removeItem(atPath: old)
    try FileManager.default.moveItem(atPath: path, toPath: old)
    try open()
  }
}
