import Foundation
import MedullaBase
import MedullaKernel
import MedullaRuntime

/// What user-space inference costs: a request goes up the ring buffer with a wakeup, a sleeping thread
/// infers natively and writes the answer into a map that the kernel reads.
package struct RoundTripBenchmark {
  package static let count = 2_000
  /// Pause between two requests, for the answering thread to fall asleep again.
  static let pauseMicroseconds: UInt32 = 200
  /// How long an answer may take before the run is given up.
  static let patienceMilliseconds: Int32 = 1_000

  /// Nanoseconds.
  package struct Summary: Equatable, Sendable {
    package let median: Int
    package let percentile99: Int
  }

  private let kernel: KernelInference
  private let answerer: any LoadedNetwork

  /// - Parameter answerer: a runtime of user space.
  /// - Throws: the obstacle where one of the two does not run here.
  package init(_ network: CompiledNetwork, answerer: any Runtime = NativeRuntime.simd) throws {
    let runtime = KernelRuntime()
    if let obstacle = runtime.obstacle ?? answerer.obstacle { throw obstacle }
    kernel = try runtime.inference(of: network)
    self.answerer = try answerer.load(network)
  }

  /// - Returns: nanoseconds from the request's clock reading in the kernel to the answer's being in the map.
  package func run(features: [Int64], count: Int = RoundTripBenchmark.count) throws -> Summary {
    let answering = try Answering(kernel: kernel, answerer: answerer, features: features)
    let thread = Thread { answering.run(count: count) }
    thread.start()
    for _ in 0..<count {
      usleep(Self.pauseMicroseconds)
      try kernel.request()
    }
    answering.finished.wait()
    if let failure = answering.failure { throw failure }
    return Self.summary(answering.nanoseconds)
  }

  static func summary(_ samples: [Int]) -> Summary {
    guard !samples.isEmpty else { return Summary(median: 0, percentile99: 0) }
    let sorted = samples.sorted()
    return Summary(
      median: sorted[sorted.count / 2], percentile99: sorted[min(sorted.count * 99 / 100, sorted.count - 1)])
  }
}

/// The answering thread's part. `nanoseconds` and `failure` belong to it until `finished` is signalled.
private final class Answering: @unchecked Sendable {
  let finished = DispatchSemaphore(value: 0)
  private(set) var nanoseconds: [Int] = []
  private(set) var failure: (any Error)?
  private let kernel: KernelInference
  private let answerer: any LoadedNetwork
  private let features: [Int64]
  private let requests: RingBuffer

  init(kernel: KernelInference, answerer: any LoadedNetwork, features: [Int64]) throws {
    self.kernel = kernel
    self.answerer = answerer
    self.features = features
    requests = try kernel.openRequests()
  }

  func run(count: Int) {
    defer { finished.signal() }
    nanoseconds.reserveCapacity(count)
    while nanoseconds.count < count {
      do {
        let received = try requests.wait(milliseconds: RoundTripBenchmark.patienceMilliseconds) { record in
          let sent = record.loadUnaligned(as: UInt64.self)
          do {
            self.kernel.writeOutputs(try self.answerer.run(words: [self.features])[0])
          } catch {
            self.failure = error
          }
          self.nanoseconds.append(Int(MonotonicClock.nanoseconds &- sent))
        }
        guard received > 0 else {
          throw DatapathError(.noAnswer, "no request came up the ring buffer for a second")
        }
      } catch {
        failure = error
        return
      }
    }
  }
}
