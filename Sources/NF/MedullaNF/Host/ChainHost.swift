import CMedullaNF
import Foundation
import Glibc
import MedullaBase

/// Hosts one chain: owns its interface's frames, and serves the functions that come.
///
/// Made on a thread of the interface's network namespace, where its own thread then runs.
package final class ChainHost: @unchecked Sendable {
  package let settings: ChainSettings
  /// Where functions come to.
  package let path: String
  private let listener: Int32
  private let wake: Int32
  /// Until its thread has it.
  private var loop: HostedLoop?
  private let lock = NSLock()
  private var latest: ChainReport
  private var isStopped = false
  private var adopted: [(function: String, channel: Int32)] = []
  private let ended = DispatchSemaphore(value: 0)
  private var isRunning = false

  /// A chain on frames of the kernel's.
  ///
  /// - Parameters:
  ///   - object: the demultiplexer's, by `DemultiplexerObject`.
  ///   - path: of the socket that functions come to; whoever may come is said by the settings.
  package convenience init(_ settings: ChainSettings, object: [UInt8], path: String) throws {
    try self.init(settings, path: path) { listener, wake in
      guard settings.engine == .xdp else {
        throw NFError(
          .badSettings, "chain \(settings.name): its frames are DPDK's, not the kernel's",
          remedy: "host it by a process of its own: `medulla nf host FILE`")
      }
      let engine = try XDPEngine(settings, object: object)
      return .xdp(ChainLoop(settings, engine: engine, listener: listener, wake: wake))
    }
  }

  /// A chain on frames of DPDK's devices, which runs in this process from then on.
  package convenience init(_ settings: ChainSettings, library: DPDKLibrary, path: String) throws {
    try self.init(settings, path: path) { listener, wake in
      guard case .dpdk(let dpdk) = settings.engine else {
        throw NFError(.badSettings, "chain \(settings.name): its frames are the kernel's, not DPDK's")
      }
      let engine = try DPDKEngine(settings, dpdk, library)
      return .dpdk(ChainLoop(settings, engine: engine, listener: listener, wake: wake))
    }
  }

  private init(
    _ settings: ChainSettings, path: String, make: (Int32, Int32) throws -> HostedLoop
  ) throws {
    try settings.check()
    let listener = nf_listen(path, 0o666)
    guard listener >= 0 else {
      throw NFError.system(
        "listen at \(path)", listener,
        remedy: listener == -EADDRINUSE ? "the chain runs already" : "")
    }
    let wake = nf_make_event()
    do {
      guard wake >= 0 else { throw NFError.system("make what wakes the host", wake) }
      let loop = try make(listener, wake)
      latest = loop.report()
      self.loop = loop
    } catch {
      close(listener)
      if wake >= 0 { close(wake) }
      unlink(path)
      throw error
    }
    self.settings = settings
    self.path = path
    self.listener = listener
    self.wake = wake
  }

  deinit {
    stop()
    if loop != nil {
      close(listener)
      unlink(path)
    }
    for (_, channel) in adopted { close(channel) }
    close(wake)
  }

  /// Begins on a thread of its own, of the caller's network namespace; once.
  package func start() {
    lock.withLock { isRunning = true }
    let thread = Thread { [self] in
      serve()
      ended.signal()
    }
    thread.name = "nf-\(settings.name)"
    thread.start()
  }

  /// Everything of the kernel's is given back when this returns.
  private func serve() {
    let taken = lock.withLock {
      defer { loop = nil }
      return loop
    }
    guard let loop = taken else { return }
    loop.run(
      isStopped: { lock.withLock { isStopped } },
      publish: { report in
        let new = lock.withLock {
          latest = report
          defer { adopted = [] }
          return adopted
        }
        for (name, channel) in new { loop.adopt(name, channel) }
      })
    // Who comes now must be refused, and not wait.
    close(listener)
    unlink(path)
  }

  /// Ends; every function sees its channel end, and may come again once another host is there.
  package func stop() {
    let wasRunning = lock.withLock {
      defer { isRunning = false }
      isStopped = true
      return isRunning
    }
    guard wasRunning else { return }
    var one: UInt64 = 1
    _ = write(wake, &one, MemoryLayout<UInt64>.size)
    ended.wait()
  }

  /// A function was started with the other end of a channel (`nf_make_channel`), which is the host's from now
  /// on.
  package func adopt(channel: Int32, as function: String) {
    lock.withLock { adopted.append((function, channel)) }
  }

  /// At most some milliseconds old.
  package func report() -> ChainReport { lock.withLock { latest } }
}

/// A loop of one of the engines: a step of the host's is a call of the one that was made for it.
private enum HostedLoop {
  case xdp(ChainLoop<XDPEngine>)
  case dpdk(ChainLoop<DPDKEngine>)

  func run(isStopped: () -> Bool, publish: (ChainReport) -> Void) {
    switch self {
    case .xdp(let loop): loop.run(isStopped: isStopped, publish: publish)
    case .dpdk(let loop): loop.run(isStopped: isStopped, publish: publish)
    }
  }

  func adopt(_ name: String, _ channel: Int32) {
    switch self {
    case .xdp(let loop): loop.adopt(name, channel)
    case .dpdk(let loop): loop.adopt(name, channel)
    }
  }

  func report() -> ChainReport {
    switch self {
    case .xdp(let loop): loop.report()
    case .dpdk(let loop): loop.report()
    }
  }
}
