import Foundation
import Glibc
import MedullaBase
import MedullaNF
import TestbedLink

/// What the processor spent on a function, on the thread that serves it.
package struct FunctionTimes: Sendable {
  /// Nanoseconds of the thread in the function itself: waiting for frames is not among them.
  package var processor: UInt64 = 0
  /// When the newest frame of the latest batch was received, by `MonotonicClock`.
  package var newest: UInt64 = 0
}

/// A chain of one function in this process: host and function have a thread each.
///
/// The host is the one that the daemon has, and the function attaches by its socket like any other.
package final class LocalChain {
  private let host: ChainHost
  private let thread: FunctionThread
  private let scratch: ScratchDirectory
  private static let name = "f"
  private static let patience = Duration.seconds(60)

  /// - Parameters:
  ///   - rule: the frames that go to the function; its `function` is set here.
  ///   - make: makes the function, on its thread.
  package init(
    on link: ChainLink, object: [UInt8], rule: DemultiplexerRule, isWritable: Bool = false,
    next: ChainFunction.Target = .release, change: (inout ChainSettings) -> Void = { _ in },
    _ make: @escaping @Sendable () throws -> any NetworkFunction
  ) throws {
    var settings = ChainSettings(name: "bench", interface: ChainLink.interface)
    var function = ChainFunction(name: Self.name)
    function.isWritable = isWritable
    function.next = next
    function.quota = settings.memory.frames / 2
    settings.functions = [function]
    if case .interface(let output) = next { settings.outputs = [output] }
    var own = rule
    own.function = Self.name
    settings.rules = [own]
    change(&settings)
    let made = settings
    scratch = try ScratchDirectory("chain-\(UInt32.random(in: 0...UInt32.max))")
    let path = scratch.path("s")
    host = try link.chain.inside { try ChainHost(made, object: object, path: path) }
    let host = host
    try link.chain.inside { host.start() }
    thread = FunctionThread(path: path, name: Self.name, make)
    do {
      try thread.awaitBeginning(within: Self.patience)
      let limit = ContinuousClock.now + .seconds(5)
      while report.functions.first?.state != .present {
        guard ContinuousClock.now < limit else {
          throw TestbedError(
            .timedOut, "The function did not come to its chain.", remedy: "Run the command again.")
        }
        usleep(1_000)
      }
    } catch {
      host.stop()
      throw error
    }
  }

  deinit { stop() }

  /// Ends chain and function. What the function failed with is thrown by `check`.
  package func stop() {
    host.stop()
    thread.join()
  }

  package var report: ChainReport { host.report() }
  package var times: FunctionTimes { thread.times }

  /// Throws what the function failed with.
  package func check() throws {
    if let failure = thread.failure { throw failure }
  }
}

/// Serves one function on a thread of its own, and measures what it spends.
private final class FunctionThread: @unchecked Sendable {
  private let lock = NSLock()
  private var measured = FunctionTimes()
  private var failed: (any Error)?
  private let begun = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  init(path: String, name: String, _ make: @escaping @Sendable () throws -> any NetworkFunction) {
    let thread = Thread { [self] in
      do {
        let function = Metered(try make()) { [self] times in lock.withLock { measured = times } }
        let port = try FunctionPort(path: path, function: name)
        begun.signal()
        try port.serve(function)
        try function.end()
      } catch {
        lock.withLock { failed = error }
        begun.signal()
      }
      ended.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  var times: FunctionTimes { lock.withLock { measured } }
  var failure: (any Error)? { lock.withLock { failed } }

  func awaitBeginning(within limit: Duration) throws {
    guard begun.wait(timeout: .now() + limit.inSeconds) == .success else {
      throw TestbedError(.timedOut, "The function could not be made in time.", remedy: "Run it again.")
    }
    if let failure { throw failure }
  }

  func join() {
    ended.wait()
    ended.signal()
  }
}

/// A function with a meter around it.
private final class Metered: NetworkFunction {
  private let inner: any NetworkFunction
  private let publish: (FunctionTimes) -> Void
  private var times = FunctionTimes()

  init(_ inner: any NetworkFunction, _ publish: @escaping (FunctionTimes) -> Void) {
    (self.inner, self.publish) = (inner, publish)
  }

  private static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) throws {
    times.newest = frames.last?.nanoseconds ?? times.newest
    publish(times)
    let begin = Self.now
    try inner.receive(frames, by: port)
    times.processor += Self.now - begin
    publish(times)
  }

  func look(by port: FunctionPort) throws {
    let begin = Self.now
    try inner.look(by: port)
    times.processor += Self.now - begin
    publish(times)
  }

  func startAnew(by port: FunctionPort) throws { try inner.startAnew(by: port) }
  func end() throws { try inner.end() }
}
