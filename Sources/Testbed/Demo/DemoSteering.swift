/// What the demonstration needs of a datapath that steers TCP by a network.
package protocol DemoSteering {
  /// The congestion control's name, as sockets select it.
  var congestion: String { get }
  /// Puts the first snapshot into the kernel.
  func attach() throws
  /// Makes new flows take the second snapshot, and says how long that took.
  func swap() throws -> Duration
  /// The snapshots as the kernel has them now.
  func slots() throws -> [DemoSlot]
  /// What one inference costs alone, with warm caches.
  func benchmark() throws -> DemoInference
  /// Takes everything out of the kernel again.
  func detach()
}

/// One inference alone, by test run, in nanoseconds.
package struct DemoInference: Codable, Equatable, Sendable {
  /// In the kernel, set-up included, and the set-up.
  package var kernelNs: Double
  package var emptyNs: Double
  /// The same network in plain C, compiled natively without vectors.
  package var nativeScalarNs: Double
  /// To user space and back, with the inference there.
  package var roundtripNs: Double
}

/// A snapshot in the kernel at one moment.
package struct DemoSlot: Codable, Equatable, Sendable {
  package var index: Int
  package var version: Int
  package var digest: String
  package var name: String
  package var state: String
  package var flows: Int
  package var inferences: Int
  /// Mean of the inferences that were measured in the kernel.
  package var nanosecondsPerInference: Double?
  /// The quickest of them.
  package var leastNanoseconds: Double?
}
