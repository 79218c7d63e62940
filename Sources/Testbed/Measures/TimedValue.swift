/// A value at a time in seconds.
package struct TimedValue: Codable, Equatable, Sendable {
  package var time: Double
  package var value: Double

  package init(_ time: Double, _ value: Double) {
    self.time = time
    self.value = value
  }
}
