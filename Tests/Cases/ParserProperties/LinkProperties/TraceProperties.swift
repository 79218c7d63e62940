import TestbedLink

/// What holds for the reader of traces on any bytes at all. The fuzz target and the tests share it.
package enum TraceProperties {
  /// Bytes are refused with an error that says what to do, or give a trace that is in order, has a period,
  /// and is read again from its own lines. nil, or what was violated; a trap is a violation by itself.
  package static func violation(_ bytes: [UInt8]) -> String? {
    do {
      let trace = try DeliveryTrace(name: "fuzzed", text: bytes)
      guard zip(trace.opportunities, trace.opportunities.dropFirst()).allSatisfy(<=) else {
        return "a trace out of order was taken"
      }
      guard trace.periodNanoseconds > 0, trace.meanBitsPerSecond > 0 else {
        return "a trace without period or rate was taken"
      }
      let lines = trace.opportunities.map { "\($0)\n" }.joined()
      let again = try DeliveryTrace(name: "fuzzed", text: Array(lines.utf8))
      return again == trace ? nil : "the trace is another when it is read again"
    } catch let error as TestbedError {
      guard error.code == .badParameter else { return "the error has the code \(error.code)" }
      return error.remedy.isEmpty ? "an error says not what to do: \(error.message)" : nil
    } catch {
      return "an error of another kind: \(error)"
    }
  }
}
