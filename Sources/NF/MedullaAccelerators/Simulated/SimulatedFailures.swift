/// What goes wrong on a simulated device, and when.
package struct SimulatedFailures: Hashable, Sendable {
  /// Bytes that the device has in all.
  package var memoryBytes = 1 << 30
  /// The launch that fails, counted from 1.
  package var failingLaunch: Int?
  /// The call that finds the device gone, counted from 1; so does every later one.
  package var losingCall: Int?
  package var lacksBatchedCopy = false
  /// As a device that cannot read what the host may only read.
  package var refusesReadOnly = false

  package init() {}
}
