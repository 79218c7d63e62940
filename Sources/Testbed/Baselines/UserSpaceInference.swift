import CMedullaABI
import Foundation
import MedullaCongestion
import MedullaDatapath
import MedullaKernel
import MedullaSnapshot
import TestbedLink

/// A congestion control whose inference is in user space, in the manner of CCP, to compare with.
///
/// The kernel runs the controller of `medulla attach congestion`, but sends the features up a ring buffer; a
/// process of its own infers and writes the action into a map, and the flow takes it at its next
/// acknowledgement. A flow without an answer keeps its rate. Sockets select it by `congestion` between
/// `start` and `stop`; nothing of it outlives this object.
package final class UserSpaceInference {
  /// As sockets select it.
  package let congestion: String
  package let configuration: UserSpaceConfiguration
  private let programs: UserSpacePrograms
  private let agent: InferenceAgent
  private var running: Running?

  private struct Running {
    let link: BPFLink
    let object: BPFObject
    let counts: BPFMap
    let agent: ChildProcess
    var before = UserSpaceLayout.Counts()
  }

  /// Nothing is attached yet.
  ///
  /// - Parameter name: at most 15 characters, and none that TCP has.
  /// - Throws: `DatapathError` for a bad name, `TestbedError` for a configuration that cannot be.
  package init(name: String, programs: UserSpacePrograms, configuration: UserSpaceConfiguration) throws {
    try configuration.validate()
    congestion = try InstanceName(name).congestion
    self.configuration = configuration
    self.programs = programs
    agent = try InferenceAgent(configuration, native: programs.agent)
  }

  /// The same with programs of its own, compiled now.
  package convenience init(name: String, snapshot: Snapshot, configuration: UserSpaceConfiguration) throws {
    try configuration.validate()
    try self.init(name: name, programs: UserSpacePrograms(snapshot), configuration: configuration)
  }

  deinit { _ = try? stop() }

  /// Whether the user process could run here; `start` finds out too, but later.
  ///
  /// - Throws: `missingProgram` when its interpreter or a package is missing.
  package func requireEngine() throws { try agent.requireEngine() }

  /// Loads the program, starts the user process, and registers the congestion control; sockets may select it
  /// from then on.
  package func start() throws {
    guard running == nil else { return }
    guard !CongestionControls.available().contains(congestion) else {
      throw TestbedError(
        .badParameter, "TCP has a congestion control named \(congestion) already.",
        remedy: "Choose another name.")
    }
    let object = try BPFObject(bytes: programs.kernel, name: "user_space")
    try object.leaveOut(program: "medulla_live")
    try object.setStructOps(
      "user_space_ops", type: "tcp_congestion_ops", member: "name", to: congestion, capacity: 16)
    try object.load()
    var settings = congestion_settings()
    settings.controller = configuration.controller
    try object.loadedMap("congestion_config").set(settings, at: 0)
    try object.loadedMap("user_space_settings").set(configuration.settings, at: 0)
    let process = try agent.start(
      reports: object.loadedMap("user_space_reports"), answers: object.loadedMap("user_space_answers"))
    running = Running(
      link: try object.attachStructOps("user_space_ops"), object: object,
      counts: try object.loadedMap("user_space_counts"),
      agent: process)
  }

  /// The user process; nil when it does not run.
  package var processIdentifier: Int32? {
    running.flatMap { $0.agent.isRunning ? $0.agent.identifier : nil }
  }

  /// Statistics count from now on.
  package func beginWindow() throws {
    guard var state = running else { throw Self.notRunning }
    guard state.agent.send("w") else { throw Self.gone }
    state.before = try Self.read(state.counts).reduce(UserSpaceLayout.Counts(), +)
    running = state
  }

  /// Takes the congestion control away and ends the user process. Flows that still run keep their rates.
  ///
  /// - Returns: what was done since `start` or the last `beginWindow`; nil when nothing ran.
  /// - Throws: `processFailed` when the user process had ended before.
  @discardableResult
  package func stop() throws -> UserSpaceStatistics? {
    guard let state = running else { return nil }
    running = nil
    try? state.link.detach()
    state.agent.closeInput()
    let outcome = try state.agent.finish(within: InferenceAgent.patience, uninterrupted: true)
    guard outcome.status == 0, let line = outcome.output.split(separator: UInt8(ascii: "\n")).last else {
      throw state.agent.failure(outcome)
    }
    let said = try JSONDecoder().decode(UserSpaceStatistics.Agent.self, from: Data(line))
    return UserSpaceStatistics(try Self.read(state.counts), since: state.before, agent: said)
  }

  /// Asks the user process without a flow, and gives its action (q16). Features that are left out are 0.
  ///
  /// - Throws: `timedOut` when no answer comes in time.
  func ask(_ features: [Int32], decision: UInt32) throws -> Int32 {
    guard let state = running else { throw Self.notRunning }
    var words: [UInt32] = [0, 0, UserSpaceLayout.questionPlace, decision]
    words += features.map(UInt32.init(bitPattern:))
    words += [UInt32](repeating: 0, count: max(0, CongestionConfiguration.featureCount - features.count))
    let bytes = words.withUnsafeBytes { Array($0) }
    try state.object.loadedMap("user_space_question").set(bytes: bytes, at: 0)
    let answers = try MappedMap(state.object.loadedMap("user_space_answers"))
    _ = try state.object.loadedProgram("user_space_ask").testRun()
    let deadline = ContinuousClock.now + InferenceAgent.patience
    while ContinuousClock.now < deadline {
      let word = answers.load64(at: 8 * Int(UserSpaceLayout.questionPlace))
      if UInt32(truncatingIfNeeded: word >> 32) == decision {
        return Int32(truncatingIfNeeded: word) >> 8
      }
      guard state.agent.isRunning else { throw Self.gone }
      usleep(50)
    }
    throw TestbedError(.timedOut, "No answer came from user space.", remedy: "Is the machine overloaded?")
  }

  private static func read(_ map: BPFMap) throws -> [UserSpaceLayout.Counts] {
    try map.valuesPerProcessor(at: 0, as: UserSpaceLayout.Counts.self)
  }

  private static let notRunning = TestbedError(
    .processFailed, "User-space inference does not run.", remedy: "Call start first.")
  private static let gone = TestbedError(
    .processFailed, "The user process of user-space inference has ended.", remedy: "Run again.")
}
