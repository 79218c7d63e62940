import Dispatch

/// Which processors learning may use.
package enum LearningProcessors {
  /// Whether work is spread over all processors. A slow path beside traffic turns it off around its call and
  /// then computes on the calling thread alone, with that thread's priority; results do not change.
  @TaskLocal package static var areAllUsed = true
}

/// The results of `body(0)`, `body(1)`, … in order, computed on all processors.
///
/// Each call must depend on its index only; then the results do not depend on the number of processors.
func inParallel<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
  guard LearningProcessors.areAllUsed else { return (0..<count).map(body) }
  let slots = Slots<Result>(count: count)
  DispatchQueue.concurrentPerform(iterations: count) { index in
    slots.set(index, body(index))
  }
  return slots.values.compactMap { $0 }
}

/// `body(0)`, `body(1)`, … on all processors, each of which writes where no other does.
func eachInParallel(_ count: Int, _ body: (Int) -> Void) {
  guard LearningProcessors.areAllUsed else { return (0..<count).forEach(body) }
  withoutActuallyEscaping(body) { body in
    // It ends before this returns, and its calls share nothing that one of them writes.
    nonisolated(unsafe) let body = body
    DispatchQueue.concurrentPerform(iterations: count) { body($0) }
  }
}

/// Each slot is written once, by one thread, and all are read after the last is written.
private final class Slots<Value: Sendable>: @unchecked Sendable {
  private let base: UnsafeMutablePointer<Value?>
  private let count: Int

  init(count: Int) {
    self.count = count
    base = .allocate(capacity: max(count, 1))
    base.initialize(repeating: nil, count: count)
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  func set(_ index: Int, _ value: Value) { base[index] = value }

  var values: [Value?] { Array(UnsafeBufferPointer(start: base, count: count)) }
}
