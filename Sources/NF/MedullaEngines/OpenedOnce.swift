import Foundation

/// What is opened when it is first asked for, and then stays as it is: open, or the reason why not.
final class OpenedOnce<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private let open: @Sendable () throws(EngineError) -> Value
  private var result: Result<Value, EngineError>?

  init(_ open: @escaping @Sendable () throws(EngineError) -> Value) { self.open = open }

  func get() throws(EngineError) -> Value { try opened.get() }

  var error: EngineError? {
    guard case .failure(let error) = opened else { return nil }
    return error
  }

  var value: Value? { try? opened.get() }

  private var opened: Result<Value, EngineError> {
    lock.lock()
    defer { lock.unlock() }
    if let result { return result }
    let made: Result<Value, EngineError>
    do throws(EngineError) {
      made = .success(try open())
    } catch {
      made = .failure(error)
    }
    result = made
    return made
  }
}
