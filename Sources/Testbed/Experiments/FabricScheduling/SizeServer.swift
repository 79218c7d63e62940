import CHost
import CMedullaABI
import Foundation
import MedullaBase
import MedullaRuntime
import MedullaSnapshot
import TestbedLink
import TestbedWorkload

/// The same network in user space: a server on a thread of its own, which is asked over a pair of local
/// sockets and answers with a flow's size. One for all hosts, in C as it is compiled for the machine.
final class SizeServer: @unchecked Sendable {
  private let network: any LoadedNetwork
  private let ends: (asking: Int32, serving: Int32)
  private let ended = DispatchSemaphore(value: 0)
  // The asking end is one thread's; the lock guards what it has counted.
  private let lock = NSLock()
  private var waits: [Double] = []
  private let bits: UInt32
  private let inputs: Int
  /// A server that does not answer is no reason to wait for ever.
  private static let patience = timeval(tv_sec: 1, tv_usec: 0)
  private static let keptWaits = 100_000

  init(_ file: SnapshotFile) throws {
    network = try NativeRuntime.scalar.load(CompiledNetwork(file))
    bits = UInt32(file.snapshot.shape.featureFractionBits)
    inputs = file.snapshot.shape.inputs
    var pair: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
      throw TestbedError(
        .linkFailed, "The server of sizes has no sockets: \(String(cString: strerror(errno))).",
        remedy: "See `ulimit -n`, and run the command again.")
    }
    ends = (pair[0], pair[1])
    var patience = Self.patience
    setsockopt(
      ends.asking, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let thread = Thread { [self] in serve() }
    thread.name = "sizes"
    thread.start()
  }

  /// Ends the server; nobody may ask any more.
  func stop() {
    shutdown(ends.asking, Int32(SHUT_RDWR))
    ended.wait()
    close(ends.asking)
    close(ends.serving)
  }

  private func serve() {
    defer { ended.signal() }
    // As who asks.
    _ = medulla_set_realtime(FabricFlows.realtimePriority)
    var words = [Int64](repeating: 0, count: inputs)
    let bytes = inputs * MemoryLayout<Int64>.size
    while recv(ends.serving, &words, bytes, 0) == bytes {
      var size = (try? network.run(words: [words]))?.first?.first ?? Int64.max
      send(ends.serving, &size, MemoryLayout<Int64>.size, Int32(MSG_NOSIGNAL))
    }
  }

  /// A flow's size by the network, in the output's fixed point; nil when the server does not answer.
  func size(_ known: FabricFlows.Knowledge) -> Int64? {
    let begun = MonotonicClock.nanoseconds
    var words = known.features.map { flow_input_log2($0, bits) }
    var size: Int64 = 0
    let bytes = words.count * MemoryLayout<Int64>.size
    guard send(ends.asking, &words, bytes, Int32(MSG_NOSIGNAL)) == bytes,
      recv(ends.asking, &size, MemoryLayout<Int64>.size, 0) == MemoryLayout<Int64>.size
    else { return nil }
    let wait = Double(MonotonicClock.nanoseconds &- begun) / 1e3
    lock.withLock { if waits.count < Self.keptWaits { waits.append(wait) } }
    return size
  }

  /// Microseconds from question to answer, of each.
  var microseconds: [Double] { lock.withLock { waits } }
}
