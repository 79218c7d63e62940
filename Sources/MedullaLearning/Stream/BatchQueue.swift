/// Which of a stream's buffers is filled next and which is trained on, in the order in which batches arrive.
///
/// A buffer that is trained on counts as taken until it is done, so of two buffers one takes the next batch
/// while the other is worked on.
struct BatchQueue: Hashable, Sendable {
  let buffers: Int
  private var first = 0
  /// Filled ones, with the one that is being trained on.
  private(set) var filled = 0
  private(set) var isTraining = false

  init(buffers: Int) {
    precondition(buffers > 0, "a queue without buffers")
    self.buffers = buffers
  }

  /// The buffer to fill next; nil when none is free.
  var free: Int? { filled < buffers ? (first + filled) % buffers : nil }
  var isEmpty: Bool { filled == 0 }

  /// `free` now holds a batch.
  mutating func fill() {
    precondition(filled < buffers, "no buffer is free")
    filled += 1
  }

  /// The oldest batch, which stays taken until `finish`; nil when there is none or one is trained on.
  mutating func begin() -> Int? {
    guard filled > 0, !isTraining else { return nil }
    isTraining = true
    return first
  }

  mutating func finish() {
    precondition(isTraining, "nothing is trained on")
    isTraining = false
    filled -= 1
    first = (first + 1) % buffers
  }
}
