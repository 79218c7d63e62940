import MedullaControl

/// What holds for the reader of control requests on any bytes at all. The fuzz target and the tests share it.
package enum ControlProperties {
  /// Bytes are refused with an error that has words, or give a request that is the same when it was written
  /// and read again. nil, or what was violated; a trap is a violation by itself.
  package static func violation(_ bytes: [UInt8]) -> String? {
    do {
      let request = try ControlRequest(line: bytes)
      let line = request.line
      guard line.last == 0x0A, !line.dropLast().contains(0x0A) else { return "a request is not one line" }
      guard let again = try? ControlRequest(line: line.dropLast()) else {
        return "what was written is refused"
      }
      return again == request ? nil : "the request changed on its way"
    } catch {
      return error.error.message.isEmpty ? "an error says nothing" : nil
    }
  }
}
