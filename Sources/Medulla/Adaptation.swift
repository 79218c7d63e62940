import Logging
import MedullaAdaptation
import MedullaAdapters
import MedullaCompile
import MedullaDatapath

/// What learns from the live samples.
public struct Adapter: Sendable {
  let settings: AdapterSettings

  /// Native reinforcement learning for congestion control, on simulated paths like those that samples show.
  public static let simulator = Adapter(settings: .simulator(AdapterSettings.Simulator()))

  /// A Python class in a process of its own.
  ///
  /// - Parameters:
  ///   - className: `package.module:Class`, with `adapt`, `evaluate` and `freeze`.
  ///   - isolation: what the process is kept from, and what it may use.
  public static func python(_ className: String, isolation: Isolation = Isolation()) -> Adapter {
    Adapter(settings: .python(AdapterSettings.Python(className: className, isolation: isolation.process)))
  }

  /// Any program that speaks the adapter protocol (docs/reference/adapter-protocol.md).
  public static func command(_ arguments: [String], isolation: Isolation = Isolation()) -> Adapter {
    Adapter(settings: .command(AdapterSettings.Command(arguments: arguments, isolation: isolation.process)))
  }

  /// What an adapter's process is kept from: Landlock, seccomp, limits and, as root, a user of its own.
  ///
  /// As root, `user` is needed. Else the process has this one's user: it reaches no file but its own, no
  /// socket, no other process and no eBPF, but shares that user's count of processes. A kernel without
  /// Landlock or seccomp refuses (`notIsolated`).
  public struct Isolation: Sendable {
    /// The process's user, which should have nothing else; only root can give one.
    public var user: String?
    /// Files and directories that it may read besides the system's, its program's and its state.
    public var reads: [String]
    /// Address space of each of its processes, in bytes.
    public var memory: Int
    /// Processes and threads of its user.
    public var tasks: Int
    private var level = ProcessIsolation.Level.full

    public init(user: String? = nil, reads: [String] = [], memory: Int = 8 << 30, tasks: Int = 256) {
      self.user = user
      self.reads = reads
      self.memory = memory
      self.tasks = tasks
    }

    /// A child without capabilities and nothing else: it may do whatever this process's user may.
    public static let none = {
      var isolation = Isolation()
      isolation.level = .none
      return isolation
    }()

    var process: ProcessIsolation {
      ProcessIsolation(level: level, user: user, reads: reads, memory: memory, tasks: tasks)
    }
  }
}

/// The slow path of one instance, in this process: it drains samples, lets an adapter learn, and replaces the
/// network when the gates open; then it watches, and goes back if the rewards are worse.
///
/// It ends with `stop()` or with this process; the network in the kernel goes on as it is.
public final class Adaptation: Sendable {
  private let runner: FunctionRunner

  init(_ runner: FunctionRunner) {
    self.runner = runner
    runner.start()
  }

  /// Snapshots that were promoted, and promoted ones that were taken back, so far.
  public var promotions: UInt64 { runner.snapshot().promotions }
  public var rollbacks: UInt64 { runner.snapshot().rollbacks }

  /// Ends learning and waits for it; a candidate that still waits is given up.
  public func stop() { runner.stop() }

  deinit { runner.stop() }
}

extension Instance {
  /// Keeps the network learning until the value that is returned is stopped or gone.
  ///
  /// - Parameters:
  ///   - bundle: the network that runs, in floats, and what its inputs look like.
  ///   - adapter: what learns from the samples.
  ///   - interval: samples are drained this often, 1 ms to 10 s.
  ///   - events: hears in words what was learned, staged, promoted and taken back, on a thread of its own.
  /// - Throws: `MedullaError` when the adapter cannot learn for this function, when the instance takes no
  ///   samples, or when another process, such as the daemon, drains them.
  public func adapt(
    from bundle: CompiledNetwork, by adapter: Adapter, interval: Duration = .milliseconds(100),
    events: @escaping @Sendable (String) -> Void
  ) throws(MedullaError) -> Adaptation {
    try translated {
      let status = try kernel.status()
      guard status.sampling > 0 else {
        throw AdaptationError(
          .badSettings, "\(name) takes no samples, so that nothing can be learned",
          remedy: "attach it with `Settings(sampling: 1)`")
      }
      let function = status.function
      let settings = FunctionSettings(
        name: name, function: function, bundle: bundle.files.path, interval: interval,
        adapter: adapter.settings)
      let start = try StartNetwork(bundle: bundle.files)
      let log = Logger(label: "medulla.adaptation") { _ in SwiftLogNoOpLogHandler() }
      let programs = try DatapathSnapshot(bundle.files)
      let made = try AdapterRegistry.all.adapter(
        AdapterOrder(
          settings: adapter.settings, function: name, kind: function,
          outcomes: FunctionList.all[function]?.outcomes.map(\.name) ?? [], start: start, programs: programs,
          log: log))
      let journal = RunnerJournal(record: { record in
        if let sentence = RecordWords(record).sentence { events(sentence) }
      })
      return Adaptation(
        try FunctionRunner(
          settings: settings,
          fastPath: KernelFastPath(name: name, programs: programs.objects),
          adapter: made, start: start, journal: journal, log: log))
    }
  }
}
