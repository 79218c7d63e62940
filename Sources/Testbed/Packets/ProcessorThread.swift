import CHost
import Foundation
import TestbedLink

/// Runs something on a thread of its own, which stays on one processor, in a network namespace.
package enum ProcessorThread {
  /// - Throws: what `body` throws; `linkFailed` where there is no such processor.
  package static func run<Value: Sendable>(
    on processor: Int, in namespace: NetworkNamespace, _ body: @escaping @Sendable () throws -> Value
  ) throws -> Value {
    let done = DispatchSemaphore(value: 0)
    let box = ResultBox<Value>()
    Thread {
      box.value = Result {
        try namespace.inside {
          let status = medulla_keep_on_processor(0, Int32(processor))
          guard status == 0 else {
            throw TestbedError(
              .linkFailed, "The testbed cannot keep a thread on processor \(processor).",
              cause: String(cString: strerror(-status)), remedy: "Give it the processors 0 and 1.")
          }
          return try body()
        }
      }
      done.signal()
    }.start()
    done.wait()
    guard let value = box.value else { preconditionFailure("the thread has ended without a result") }
    return try value.get()
  }

  /// Written by one thread before it signals, and read after.
  private final class ResultBox<Value>: @unchecked Sendable {
    var value: Result<Value, any Error>?
  }
}
