/// One sample of the fast path: what a snapshot was asked, what it answered, and what followed.
public struct FunctionSample: Sendable, Equatable {
  /// When the outcome was complete, in nanoseconds of the monotonic clock.
  public var nanoseconds: UInt64
  /// Tells the flows of one attachment apart; never used again while the instance lives.
  public var flow: UInt64
  /// Of the snapshot that answered, counted up by the instance.
  public var version: UInt64
  /// The network's inputs, in the shape's fixed point.
  public var features: [Int64]
  /// The network's outputs, in the shape's fixed point.
  public var outputs: [Int64]
  /// What the shadow snapshot would have answered; nil when none was asked.
  public var shadowOutputs: [Int64]?
  /// What followed, in the function's own order and units (`CongestionOutcome` for congestion control).
  public var outcomes: [Int64]

  public init(
    nanoseconds: UInt64, flow: UInt64, version: UInt64, features: [Int64], outputs: [Int64],
    shadowOutputs: [Int64]? = nil, outcomes: [Int64] = []
  ) {
    self.nanoseconds = nanoseconds
    self.flow = flow
    self.version = version
    self.features = features
    self.outputs = outputs
    self.shadowOutputs = shadowOutputs
    self.outcomes = outcomes
  }
}
