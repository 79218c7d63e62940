/// What holds for the assembler of objects and that of streams, whatever packets come and whatever a consumer
/// does: they do what a slow and obvious model does, and deliver only what was sent.
package enum PayloadProperties {
  /// The first byte chooses what is run (objects, streams, or the bytes as a frame), the others what happens.
  ///
  /// - Returns: what does not hold; nil: all does.
  package static func violation(_ bytes: [UInt8]) -> String? {
    var reached: Set<String> = []
    return violation(bytes, reaching: &reached)
  }

  /// - Parameter reached: the causes by which packets were counted are added.
  package static func violation(_ bytes: [UInt8], reaching reached: inout Set<String>) -> String? {
    do {
      var source = ByteSource(bytes.dropFirst())
      switch bytes.first.map({ $0 % 3 }) {
      case 0?: for cause in try AssemblyScenario.run(&source).keys { reached.insert("\(cause)") }
      case 1?: for cause in try StreamScenario.run(&source).keys { reached.insert("\(cause)") }
      default: try FrameScenario.run(Array(bytes.dropFirst()))
      }
      return nil
    } catch {
      return error.text
    }
  }
}

/// What does not hold.
struct Violation: Error {
  let text: String

  static func unless(_ holds: Bool, _ text: @autoclosure () -> String) throws(Violation) {
    if !holds { throw Violation(text: text()) }
  }
}

/// Choices that are made by bytes.
struct ByteSource {
  private let bytes: ArraySlice<UInt8>
  private var at: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    at = bytes.startIndex
  }

  var isEmpty: Bool { at >= bytes.endIndex }

  /// 0 behind the end.
  mutating func next() -> Int {
    guard !isEmpty else { return 0 }
    defer { at += 1 }
    return Int(bytes[at])
  }

  mutating func next(below limit: Int) -> Int { next() % limit }
}
