/// One sample of the fast path: what a snapshot was asked, what it answered, and what followed.
package struct FunctionSample: Sendable, Equatable {
  /// By which a label or outcome that comes late finds it: never given twice while the instance lives,
  /// whatever program sets and slow paths come and go. 0: it has none.
  package var id: UInt64
  /// When the outcome was complete, in nanoseconds of the monotonic clock.
  package var nanoseconds: UInt64
  /// Tells the flows of one attachment apart; never used again while the instance lives.
  package var flow: UInt64
  /// Of the snapshot that answered, counted up by the instance.
  package var version: UInt64
  /// The network's inputs, in the shape's fixed point.
  package var features: [Int64]
  /// The network's outputs, in the shape's fixed point.
  package var outputs: [Int64]
  /// What the shadow snapshot would have answered; nil when none was asked.
  package var shadowOutputs: [Int64]?
  /// What followed, in the function's own order and units (`DatapathFunction.outcomes`).
  package var outcomes: [Int64]

  package init(
    id: UInt64 = 0, nanoseconds: UInt64, flow: UInt64, version: UInt64, features: [Int64], outputs: [Int64],
    shadowOutputs: [Int64]? = nil, outcomes: [Int64] = []
  ) {
    self.id = id
    self.nanoseconds = nanoseconds
    self.flow = flow
    self.version = version
    self.features = features
    self.outputs = outputs
    self.shadowOutputs = shadowOutputs
    self.outcomes = outcomes
  }
}
