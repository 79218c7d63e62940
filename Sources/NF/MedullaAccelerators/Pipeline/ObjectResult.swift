import MedullaBase

/// What became of one object, and when, by the device's clock.
package struct ObjectResult: Sendable {
  package enum Outcome: Sendable {
    /// The bytes of the model's outputs.
    case outputs([[UInt8]])
    case failed(AcceleratorError)
  }

  package let object: UInt64
  package let outcome: Outcome
  package let times: ObjectTimes
}

package struct ObjectTimes: Hashable, Sendable {
  /// The first and the last pieces were there.
  package var first: Duration
  package var whole: Duration
  /// All bytes were in the tensor.
  package var transferred: Duration
  package var started: Duration
  package var finished: Duration

  package var receiving: Duration { whole - first }
  /// What the transfer took beyond reception.
  package var transferring: Duration { max(transferred - whole, .zero) }
  package var computing: Duration { finished - started }
  /// All of it, from the first piece.
  package var total: Duration { finished - first }
}
