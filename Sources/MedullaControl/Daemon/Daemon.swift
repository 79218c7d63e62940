import CHost
import Foundation
import Glibc
import Logging
import MedullaAdaptation
import MedullaCompile
import MedullaDatapath
import MedullaKernel

/// Hosts the slow paths of a configuration's functions: what `medullad` and `medulla run` run.
///
/// `prepare` does all that needs privileges, on one thread; `run` serves until it is told to stop.
package final class Daemon: @unchecked Sendable {
  package static let version = "0.1.0"
  /// The control socket's group, where the machine has one of that name.
  package static let group = "medulla"
  /// Locks of running functions, so that two daemons never share one.
  static let runDirectory = "/run/medulla"
  static let socketMode: mode_t = 0o660
  static let tick = Duration.milliseconds(250)
  static let sweepSeconds = 10.0

  package let configurationPath: String
  let log: Logger
  let notification: ServiceNotification
  let makeLoop: FunctionHost.LoopFactory
  let started = ContinuousClock.now
  let history: HistoryStore
  let snapshots: SnapshotKeeper
  private let wake: [Int32]
  private let watchdog = ServiceNotification.watchdogInterval()

  let lock = NSLock()
  var configuration: Configuration
  var hosts: [FunctionHost] = []
  var locks: [String: FileLock] = [:]
  /// Versions from outside from which learning was to go on, by function.
  var reseeded: [String: UInt64] = [:]
  /// Names of the functions that are not hosted, because someone had them detached; nil: all are.
  var idle: [String]?
  private var stopOrder: DaemonSettings.OnStop??
  private var mustReload = false

  /// Chains of network functions.
  let chains: ChainTable

  var listener: Int32?
  private var ownsSocket = false
  private var isPrepared = false

  /// - Parameters:
  ///   - path: the configuration; it is read again on a reload.
  ///   - makeLoop: makes the loop of a function; the default is the real one.
  package convenience init(path: String, log: Logger) throws {
    try self.init(path: path, log: log, makeLoop: LoopAssembly.make)
  }

  init(
    path: String, log: Logger, notification: ServiceNotification = ServiceNotification(),
    makeLoop: @escaping FunctionHost.LoopFactory
  ) throws {
    configurationPath = URL(fileURLWithPath: path).standardizedFileURL.path
    configuration = try Configuration(path: path)
    var log = log
    log.logLevel = Logger.Level(rawValue: configuration.daemon.logLevel.rawValue) ?? .info
    self.log = log
    self.notification = notification
    self.makeLoop = makeLoop
    history = HistoryStore(settings: configuration.daemon, log: log)
    snapshots = SnapshotKeeper(directory: configuration.daemon.snapshotsPath, log: log)
    chains = ChainTable(log: log)
    var ends: [Int32] = [-1, -1]
    guard medulla_make_pipe(&ends) == 0 else { throw UnixSocket.system("make a pipe") }
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    wake = ends
  }

  deinit { for end in wake { close(end) } }

  var settings: DaemonSettings { lock.withLock { configuration.daemon } }
  var functions: [FunctionHost] { lock.withLock { hosts } }
  var socketOrigin: String { ownsSocket ? "own" : "passed" }

  /// Takes the locks, listens, gives up the privileges that are no longer needed, and brings every function
  /// into the kernel or takes it over.
  ///
  /// - Throws: what keeps the daemon from starting; functions that were attached meanwhile are detached.
  package func prepare() throws {
    let settings = self.settings
    // Before anything else: it must have all privileges, no thread, and none of what is opened below.
    try AdapterSpawning.start(lock.withLock { configuration })
    try OwnedTree.make(settings.state, mode: 0o750)
    try OwnedTree.make(settings.snapshotsPath, mode: 0o750)
    try OwnedTree.make(Self.runDirectory, mode: 0o755)
    try OwnedTree.make(URL(fileURLWithPath: settings.socket).deletingLastPathComponent().path, mode: 0o755)
    try take(lock: settings.lockPath, for: "the state \(settings.state)")
    try openSocket(settings)
    var attached: [String] = []
    do {
      // Loading needs no more than what is kept; once there are threads, nothing can be given up for the
      // process as a whole.
      try reducePrivileges(settings)
      for function in functionsToHost() {
        let (host, isNew) = try self.host(function)
        if isNew { attached.append(function.name) }
        lock.withLock { hosts.append(host) }
      }
      // Rules may name a classifier among the functions.
      try prepareChains()
    } catch {
      for name in attached { try? Instance(name).detach() }
      closeSocket()
      throw error
    }
    isPrepared = true
  }

  /// Serves until a signal or a client ends it.
  package func run() throws {
    guard isPrepared, let listener else {
      throw ControlError(.refused, "the daemon was not prepared")
    }
    signal(SIGPIPE, SIG_IGN)
    unblockSignals()
    let signals = medulla_interruption_descriptor()
    guard signals >= 0 else { throw UnixSocket.system("watch for signals", -signals) }
    history.start()
    for host in functions { host.loop.start() }
    chains.begin()
    let server = try ControlServer(listener: listener, target: self, log: log)
    server.run()
    let housekeeping = Housekeeping(daemon: self)
    housekeeping.start()
    let hosted = functions.count == 1 ? "1 function" : "\(functions.count) functions"
    log.notice("ready: \(hosted), socket \(settings.socket), as \(userName)")
    notification.send("READY=1", "STATUS=\(statusLine)")
    let order = serve(signals: signals, server: server)
    notification.send("STOPPING=1", "STATUS=stopping")
    housekeeping.stop()
    finish(order)
    server.stop()
    // Closed by the server when it goes.
    self.listener = nil
    if ownsSocket { unlink(settings.socket) }
    log.notice("stopped")
  }

  /// Ends `run` soon.
  package func stop(_ order: DaemonSettings.OnStop? = nil) {
    lock.withLock { if stopOrder == nil { stopOrder = .some(order) } }
    wakeUp()
  }

  /// Reads the configuration again soon.
  func reload() {
    lock.withLock { mustReload = true }
    wakeUp()
  }

  private func wakeUp() {
    var byte: UInt8 = 1
    _ = write(wake[1], &byte, 1)
  }

  /// Who starts this process may have blocked signals for itself; a mask is inherited.
  private func unblockSignals() {
    var wanted = sigset_t()
    sigemptyset(&wanted)
    for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&wanted, signal) }
    pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
  }

  private func serve(signals: Int32, server: ControlServer) -> DaemonSettings.OnStop {
    var lastBeat = ContinuousClock.now - .seconds(3_600)
    let beat = watchdog.map { $0 / 3 }
    while true {
      if let order = lock.withLock({ stopOrder }) { return order ?? settings.onStop }
      let reloads = lock.withLock {
        defer { mustReload = false }
        return mustReload
      }
      if reloads { applyReload() }
      reseed()
      let now = ContinuousClock.now
      if mayEnd(now) { return .keep }
      if let beat, now - lastBeat >= beat, isAlive(server: server, now: now) {
        lastBeat = now
        notification.send("WATCHDOG=1", "STATUS=\(statusLine)")
      }
      waitForNews(signals)
    }
  }

  private func waitForNews(_ signals: Int32) {
    var readable: [UInt8] = [0, 0]
    let count = medulla_wait_readable([signals, wake[0]], &readable, 2, Int64(Self.tick / .nanoseconds(1)))
    guard count > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 64)
    if readable[1] != 0 { _ = read(wake[0], &bytes, bytes.count) }
    guard readable[0] != 0 else { return }
    let got = read(signals, &bytes, bytes.count)
    for number in bytes.prefix(max(0, got)) {
      if Int32(number) == SIGHUP {
        log.notice("told to reload by a signal")
        lock.withLock { mustReload = true }
      } else {
        log.notice("told to stop by a signal")
        lock.withLock { if stopOrder == nil { stopOrder = .some(nil) } }
      }
    }
  }

  /// Whether the loops drain and the socket is served; what hangs is logged.
  private func isAlive(server: ControlServer, now: ContinuousClock.Instant) -> Bool {
    for host in functions {
      let silence = host.silence(now: now)
      guard silence < host.patience else {
        log.error(
          "\(host.settings.name): its loop has not drained for \(silence); the watchdog hears nothing")
        return false
      }
    }
    guard server.silence < .seconds(10) else {
      log.error("the control socket has not been served for \(server.silence); the watchdog hears nothing")
      return false
    }
    return true
  }

  private func finish(_ order: DaemonSettings.OnStop) {
    chains.stopAll()
    let hosts = functions
    DispatchQueue.concurrentPerform(iterations: hosts.count) { hosts[$0].loop.stop() }
    for host in hosts { release(host, order) }
    if idle == nil { mark(order == .detach) }
    history.stop()
  }

  /// What becomes of a function in the kernel when nobody hosts it any longer.
  func release(_ host: FunctionHost, _ order: DaemonSettings.OnStop) {
    let name = host.settings.name
    do {
      switch order {
      case .keep:
        // Nobody listens: the fast path need not send.
        let instance = try Instance(name)
        try instance.setShadow(every: nil)
        try instance.setSampling(every: 0)
        log.notice("\(name): left on in the kernel")
      case .detach:
        try Instance(name).detach { self.log.info("\(name): \($0)") }
        log.notice("\(name): detached")
      }
    } catch {
      log.error("\(name): \(error)")
    }
  }
}

// Bringing up.
extension Daemon {
  private func take(lock path: String, for what: String) throws(ControlError) {
    do {
      let taken = try FileLock(path: path, patience: .zero)
      lock.withLock { locks[path] = taken }
    } catch {
      guard error.code == .busy else {
        throw ControlError(.io, "the lock \(path) cannot be taken: \(error.cause)", remedy: error.remedy)
      }
      throw ControlError(
        .alreadyRunning, "another daemon has \(what)",
        remedy: "stop it (`medulla stop`), or give this one a `state`, `socket` and names of its own")
    }
  }

  private func openSocket(_ settings: DaemonSettings) throws {
    if let passed = try SocketActivation.take() {
      log.info("took the socket that the service manager passed")
      listener = passed
      return
    }
    let group = Privileges.group(named: Self.group)
    listener = try UnixSocket.listen(at: settings.socket, mode: Self.socketMode, group: group)
    ownsSocket = true
    let members = group == nil ? "there is no group \(Self.group), so root's" : "the group \(Self.group)'s"
    log.info("listening at \(settings.socket): \(members)")
  }

  private func closeSocket() {
    if let listener { close(listener) }
    listener = nil
    if ownsSocket { unlink(settings.socket) }
  }

  /// A function, loaded, with its loop that does not run yet.
  func host(_ function: FunctionSettings) throws -> (FunctionHost, isNew: Bool) {
    let lockPath = "\(Self.runDirectory)/\(function.name).lock"
    try take(lock: lockPath, for: "the function \(function.name)")
    do {
      let loaded = try FunctionLoader(snapshots: snapshots, log: log).load(function)
      let isNew = loaded.start.origin == .attached
      do {
        var log = self.log
        log[metadataKey: "function"] = "\(function.name)"
        let context = LoopContext(
          history: history, snapshots: snapshots,
          directory: URL(fileURLWithPath: configurationPath).deletingLastPathComponent().path,
          state: lock.withLock { configuration.daemon.state }, log: log)
        return (FunctionHost(settings: function, loop: try makeLoop(function, loaded, context)), isNew)
      } catch {
        if isNew { try? Instance(function.name).detach() }
        throw error
      }
    } catch {
      lock.withLock { locks[lockPath] = nil }
      throw error
    }
  }

  private func reducePrivileges(_ settings: DaemonSettings) throws {
    let kept = Privileges.kept(by: lock.withLock { configuration })
    guard let user = settings.user else {
      let result = medulla_keep_capabilities(Privileges.bits(kept) | Privileges.ofRoot)
      // `medulla run` may have threads already; it stays what it is, as a command of the one who called it.
      if result == -EBUSY {
        log.info("keeping all privileges, because this process has threads already; medullad gives them up")
      } else if result != 0 {
        log.warning("keeping all privileges: \(String(cString: strerror(-result)))")
      }
      return
    }
    let account = try Privileges.account(named: user)
    guard geteuid() != account.user else { return }
    try DatapathAccess.open(to: account, functions: lock.withLock { configuration.functions.map(\.name) })
    for path in [settings.state, Self.runDirectory] { try OwnedTree.give(path, to: account) }
    try Privileges.become(account, keeping: kept)
    log.info("became \(user), keeping \(kept.map(\.name).joined(separator: ", "))")
  }

  var userName: String { Privileges.name(of: geteuid()) }

  var statusLine: String {
    let states = functions.map { $0.loop.snapshot() }
    let updates = states.reduce(0) { $0 + $1.promotions }
    return "\(states.count) functions, \(updates) updates, \(states.reduce(0) { $0 + $1.failures }) failures"
  }
}
