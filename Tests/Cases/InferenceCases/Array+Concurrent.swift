import Dispatch
import Synchronization

extension Array where Element: Sendable {
  /// What `body` makes of each element, in their order, on all processors at once: for tests that compute and
  /// neither measure nor share anything.
  package func concurrentMap<Value: Sendable>(
    _ body: @Sendable (Element) throws -> Value
  ) throws -> [Value] {
    let elements = self
    let results = Mutex([Result<Value, any Error>?](repeating: nil, count: count))
    DispatchQueue.concurrentPerform(iterations: count) { index in
      let result = Result { try body(elements[index]) }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { $0 }.compactMap { try $0?.get() }
  }
}
