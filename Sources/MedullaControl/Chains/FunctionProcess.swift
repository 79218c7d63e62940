import CMedullaNF
import Glibc
import Logging
import MedullaAdaptation
import MedullaNF

/// The process of one function: started, watched, and started anew after a wait that grows. Used from one
/// thread.
final class FunctionProcess {
  private static let longestWait = Duration.seconds(30)
  /// A process that ran so long did not fail at its start.
  private static let recovery = Duration.seconds(10)

  private let name: String
  private let chain: String
  private let command: [String]
  private let isolation: ProcessIsolation
  private let directory: String
  private let host: ChainHost
  private let log: Logger
  private var process: ChannelProcess?
  private var started = ContinuousClock.now
  private var next = ContinuousClock.now
  private var wait = Duration.milliseconds(200)

  init(
    _ name: String, chain: String, command: [String], isolation: ProcessIsolation, directory: String,
    host: ChainHost, log: Logger
  ) {
    self.name = name
    self.chain = chain
    self.command = command
    self.isolation = isolation
    self.directory = directory
    self.host = host
    var log = log
    log[metadataKey: "chain"] = "\(chain)"
    log[metadataKey: "function"] = "\(name)"
    self.log = log
  }

  func look(_ now: ContinuousClock.Instant) {
    if let running = process {
      guard let ending = running.ending() else { return }
      log.error("\(name): \(ending)")
      running.kill()
      process = nil
      if now - started > Self.recovery { wait = .milliseconds(200) }
      next = now + wait
      wait = min(wait * 2, Self.longestWait)
    }
    guard now >= next else { return }
    // The host takes back what the one before had first.
    guard host.report().functions.first(where: { $0.name == name })?.state == .absent else { return }
    start(now)
  }

  private func start(_ now: ContinuousClock.Instant) {
    var ends: [Int32] = [-1, -1]
    let status = nf_make_channel(&ends)
    guard status == 0 else {
      log.error("\(name): no channel can be made: \(String(cString: strerror(-status)))")
      next = now + wait
      return
    }
    defer { close(ends[1]) }
    do throws(AdapterFailure) {
      process = try ChannelProcess(
        command, name: "nf-\(chain)-\(name)", directory: directory, isolation: isolation,
        variable: FunctionPort.variable, channel: ends[1], log: log)
      started = now
      host.adopt(channel: ends[0], as: name)
      log.info("\(name): process \(process?.identifier ?? 0)")
    } catch {
      close(ends[0])
      log.error(
        "\(name): \(error.message)\(error.details.isEmpty ? "" : ": \(error.details)") \(error.remedy)")
      next = now + wait
      wait = min(wait * 2, Self.longestWait)
    }
  }

  /// Lets the process end by itself for a moment, then kills it.
  func end(patience: Duration) {
    guard let running = process else { return }
    let limit = ContinuousClock.now + patience
    while running.ending() == nil, ContinuousClock.now < limit { usleep(5_000) }
    running.kill()
    process = nil
  }
}
