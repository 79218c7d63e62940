/// What the demonstration needs of a datapath that steers TCP by a network.
public protocol DemoSteering {
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
public struct DemoInference: Codable, Equatable, Sendable {
  /// In the kernel, set-up included, and the set-up.
  public var kernelNs: Double
  public var emptyNs: Double
  /// The same network in plain C, compiled natively without vectors.
  public var nativeScalarNs: Double
  /// To user space and back, with the inference there.
  public var roundtripNs: Double

  public init(kernelNs: Double, emptyNs: Double, nativeScalarNs: Double, roundtripNs: Double) {
    self.kernelNs = kernelNs
    self.emptyNs = emptyNs
    self.nativeScalarNs = nativeScalarNs
    self.roundtripNs = roundtripNs
  }
}

/// A snapshot in the kernel at one moment.
public struct DemoSlot: Codable, Equatable, Sendable {
  public var index: Int
  public var version: Int
  public var digest: String
  public var name: String
  public var state: String
  public var flows: Int
  public var inferences: Int
  /// Mean of the inferences that were measured in the kernel.
  public var nanosecondsPerInference: Double?
  /// The quickest of them.
  public var leastNanoseconds: Double?

  public init(
    index: Int, version: Int, digest: String, name: String, state: String, flows: Int, inferences: Int,
    nanosecondsPerInference: Double?, leastNanoseconds: Double?
  ) {
    self.index = index
    self.version = version
    self.digest = digest
    self.name = name
    self.state = state
    self.flows = flows
    self.inferences = inferences
    self.nanosecondsPerInference = nanosecondsPerInference
    self.leastNanoseconds = leastNanoseconds
  }
}
