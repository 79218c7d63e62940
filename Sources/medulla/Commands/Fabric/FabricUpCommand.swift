import ArgumentParser
import Glibc
import MedullaBase
import MedullaFabric

/// `medulla fabric up PLAN`.
struct FabricUpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Start a plan's switches, with its network on them.",
    discussion: """
      Each switch is a network namespace of this machine with XDP programs on its ports; links are wires \
      between them. They stay when the command ends, until `medulla fabric down`. Needs root.

      With --datapath userspace the switches are threads of the command, for kernels before Linux 6.10: the \
      same bits, slower. It runs until it is interrupted, and takes the fabric down then.
      """)

  private static let clientRange = 1...32

  @Argument(help: "The plan's folder.")
  var plan: String
  @OptionGroup var fabric: FabricName
  @Option(help: "Clients that can be there at once, 1 to 32, each with as many inferences as the plan says.")
  var clients = 4
  @Option(help: "Where switches compute.")
  var datapath = FabricDatapath.kernel
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard Self.clientRange.contains(clients) else {
      throw ValidationError("--clients must be 1 to \(Self.clientRange.upperBound).")
    }
  }

  func run() throws {
    let folder = try PlanFolder.read(plan)
    let room = InstalledTask.Room(slots: folder.plan.inferences, clients: clients)
    let names = try fabric.names()
    let interruption = datapath == .userspace ? TerminationSignals() : nil
    let running = try RunningFabric.up(folder, names, room: room, datapath: datapath)
    print(
      json
        ? try JSONText.encode(running.state)
        : "\(folder.plan.networkName) is on \(folder.plan.switches.count) switches; "
          + "`medulla fabric infer --input FILE.npy` asks it")
    guard let interruption else { return }
    fflush(nil)
    while running.failure == nil, running.isServing, !interruption.wait(.milliseconds(200)) {}
    // Somebody else may have taken it down, and may even have started it anew.
    let (failure, isServing) = (running.failure, running.isServing)
    running.stopServing()
    guard isServing else { return }
    try RunningFabric.down(names)
    if let failure { throw failure }
  }
}

extension FabricDatapath: ExpressibleByArgument {}

/// Signals that ask this process to end, and no longer end it by themselves: in all threads that it starts.
private struct TerminationSignals {
  private var wanted = sigset_t()

  init() {
    sigemptyset(&wanted)
    for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&wanted, signal) }
    pthread_sigmask(SIG_BLOCK, &wanted, nil)
  }

  /// Whether one came within a time.
  func wait(_ time: Duration) -> Bool {
    var (wanted, limit) = (wanted, timespec(tv_sec: 0, tv_nsec: Int(time / .nanoseconds(1))))
    return sigtimedwait(&wanted, nil, &limit) > 0
  }
}
