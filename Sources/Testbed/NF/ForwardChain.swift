import Foundation
import MedullaNF
import TestbedLink
import TestbedPackets

/// A chain of forwarding functions on one processor, each a process of an unprivileged user.
final class ForwardChain {
  private let host: ChainHost
  private var functions: [ChildProcess] = []
  private let scratch: ScratchDirectory
  private let names: [String]
  private var isStopped = false
  private static let patience = Duration.seconds(20)

  init(
    on namespace: NetworkNamespace, object: [UInt8], functions count: Int, ownRings: Bool, isSent: Bool,
    pages: MemorySettings.Pages, executable: String
  ) throws {
    let names = (1...count).map { "f\($0)" }
    self.names = names
    var settings = ChainSettings(name: "forward", interface: ForwardBench.input)
    settings.memory.hugePages = pages
    if isSent { settings.outputs = [ForwardBench.output] }
    settings.functions = names.enumerated().map { index, name in
      var function = ChainFunction(name: name)
      function.user = ForwardBench.user
      function.ownsReceive = index > 0 || ownRings
      function.next =
        index + 1 < count
        ? .function(names[index + 1]) : isSent ? .interface(ForwardBench.output) : .release
      return function
    }
    var rule = DemultiplexerRule(function: names[0])
    rule.ipProtocol = 17
    rule.destinationPorts = ForwardBench.port...ForwardBench.port
    settings.rules = [rule]
    scratch = try ScratchDirectory("forward-\(UInt32.random(in: 0...UInt32.max))")
    let path = scratch.path("s")
    // Its user must find the socket.
    chmod((path as NSString).deletingLastPathComponent, 0o755)
    host = try Self.start(settings, object, path, in: namespace)
    do {
      for name in names {
        functions.append(
          try ChildProcess(
            [
              "setpriv", "--reuid", "\(ForwardBench.user)", "--regid", "\(ForwardBench.user)",
              "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "taskset", "-c",
              "\(ForwardBench.processor)", executable, ForwardProcess.argument, path, name,
            ], output: .discarded, errors: .inherited))
      }
      try awaitFunctions()
    } catch {
      stop()
      throw error
    }
  }

  /// The host's thread stays on the processor of the one that starts it.
  private static func start(
    _ settings: ChainSettings, _ object: [UInt8], _ path: String, in namespace: NetworkNamespace
  ) throws -> ChainHost {
    try ProcessorThread.run(on: ForwardBench.processor, in: namespace) {
      let host = try ChainHost(settings, object: object, path: path)
      host.start()
      return host
    }
  }

  private func awaitFunctions() throws {
    let limit = ContinuousClock.now + Self.patience
    while !host.report().functions.allSatisfy({ $0.state == .present }) {
      try Interruption.check()
      guard ContinuousClock.now < limit, functions.allSatisfy(\.isRunning) else {
        throw TestbedError(
          .processFailed, "A forwarding function did not come to its chain.",
          remedy: "Run the command again; its own words are above.")
      }
      usleep(1_000)
    }
  }

  /// What the chain tells of its last function.
  var last: ChainReport.Function? { host.report().functions.first { $0.name == names.last } }

  func stop() {
    guard !isStopped else { return }
    isStopped = true
    host.stop()
    for function in functions { function.end() }
  }

  deinit { stop() }
}
