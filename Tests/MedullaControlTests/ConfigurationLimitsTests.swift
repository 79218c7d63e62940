import Foundation
import Testing

@testable import MedullaControl

@Suite("Configurations that are made to hold the reader up", .serialized)
struct ConfigurationLimitsTests {
  static let texts: [(String, String)] = [
    ("lists in lists", String(repeating: "[", count: 1_000_000)),
    ("tables in tables", String(repeating: "{a: ", count: 250_000)),
    ("a list by dashes", String(repeating: "- ", count: 500_000)),
    ("keys that are asked for", String(repeating: "? ", count: 500_000)),
    ("keys of one long path", String(repeating: "a.", count: 20_000) + ": 1"),
    ("the same key again", String(repeating: "a: 1\n", count: 200_000)),
    ("keys that nobody knows", (0..<100_000).map { "k\($0): 1" }.joined(separator: "\n")),
    ("functions without end", "function:\n" + String(repeating: "- name: a\n", count: 90_000)),
    ("a quote that does not end", "a: \"" + String(repeating: "x\\u0041", count: 140_000)),
    ("spaces", String(repeating: " ", count: 1_000_000)),
  ]

  @Test("each is refused in a moment, in an answer that can be read", arguments: texts)
  func refused(name: String, text: String) throws {
    let begin = ContinuousClock.now
    let error = try #require(throws: ControlError.self) { try Configuration(text: text) }
    let elapsed = begin.duration(to: .now)
    // The limit is for what grows with the square of the length (seconds to hours); a slow machine stays
    // below.
    #expect(elapsed < .seconds(10), "\(name): \(elapsed)")
    #expect(error.message.utf8.count < 1 << 16, "\(name): \(error.message.utf8.count) bytes of answer")
  }

  @Test("a pipe that nobody writes to is refused, not waited for")
  func silentPipe() throws {
    let path = NSTemporaryDirectory() + "medulla-pipe-\(UUID())"
    try #require(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    let error = try #require(throws: ControlError.self) { try Configuration(path: path) }
    #expect(error.code == .io && error.message.contains("is a pipe that nothing came from"), "\(error)")
    let writer = open(path, O_RDWR)
    defer { close(writer) }
    let begin = ContinuousClock.now
    let late = try #require(throws: ControlError.self) { try Configuration(path: path) }
    #expect(late.message.contains("gave nothing for 5"), "\(late)")
    #expect(begin.duration(to: .now) < .seconds(20))
  }

  @Test("a pipe that is written to, however slowly, is read to its end")
  func pipe() throws {
    let pipe = Pipe()
    let writer = pipe.fileHandleForWriting
    Thread {
      for part in ["function:\n", "- name: a\n", "  bundle: /b\n"] {
        usleep(200_000)
        writer.write(Data(part.utf8))
      }
      try? writer.close()
    }.start()
    let read = try Configuration(path: "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")
    #expect(read.functions.map(\.name) == ["a"])
  }
}
