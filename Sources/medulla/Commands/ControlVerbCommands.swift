import ArgumentParser
import MedullaBase
import MedullaControl

/// What the commands that tell the daemon something share: one request, one sentence back.
protocol ControlVerbCommand: ParsableCommand {
  var control: ControlOptions { get }
  var json: Bool { get }
  func makeRequest() throws -> ControlRequest
}

extension ControlVerbCommand {
  func run() throws {
    // What is wrong with it is told whether or not a daemon runs.
    let request = try makeRequest()
    let outcome = try control.connect().ask(request, as: ControlOutcome.self)
    if json { return try StatusOutput.printJSON(outcome) }
    Narration.tell(outcome.done)
  }
}

/// `medulla pause [FUNCTION]`.
struct PauseCommand: ControlVerbCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Let a function's slow path collect and count, but replace nothing.")

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The function; all of them when left out.")
  var function: String?

  func makeRequest() -> ControlRequest { ControlRequest(.pause, function: function) }
}

/// `medulla resume [FUNCTION]`.
struct ResumeCommand: ControlVerbCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Let a paused slow path go on.")

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The function; all of them when left out.")
  var function: String?

  func makeRequest() -> ControlRequest { ControlRequest(.resume, function: function) }
}

/// `medulla promote [FUNCTION]`.
struct PromoteCommand: ControlVerbCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote",
    abstract: "Replace a function's snapshot by what its adapter has learned, without asking the gates.",
    discussion: """
      The stability and necessity gates and the time between updates are passed over; accuracy, shadow and \
      watch still hold. It waits until the candidate is active, or says why it is not.
      """)

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The function; may be left out when there is only one.")
  var function: String?

  func makeRequest() -> ControlRequest { ControlRequest(.promote, function: function) }

  func run() throws {
    let outcome = try control.connect().promote(function: function)
    if json { return try StatusOutput.printJSON(outcome) }
    Narration.tell(outcome.done)
  }
}

/// `medulla proxy FUNCTION VALUE`.
struct ProxyCommand: ControlVerbCommand {
  static let configuration = CommandConfiguration(
    commandName: "proxy", abstract: "Tell a function how well its network still does.",
    discussion: """
      A function with a trigger of kind proxy learns while the value is bad. A negative value stands after \
      two dashes: `medulla proxy f -- -0.5`.
      """)

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The function.")
  var function: String
  @Argument(help: "Such as the accuracy on what was labelled lately.")
  var value: Double

  func makeRequest() -> ControlRequest { ControlRequest(.proxy, function: function, value: value) }
}

/// `medulla reload`.
struct ReloadCommand: ControlVerbCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload", abstract: "Have the daemon read its configuration again.")

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false

  func makeRequest() -> ControlRequest { ControlRequest(.reload) }
}

/// `medulla stop`.
struct StopCommand: ControlVerbCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Stop the daemon.",
    discussion: "Without --keep or --detach its configuration's `on_stop` says what becomes of the functions."
  )

  @OptionGroup var control: ControlOptions
  @Flag(help: "Leave the functions on in the kernel.")
  var keep = false
  @Flag(help: "Detach the functions.")
  var detach = false
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if keep && detach { throw ValidationError("--keep and --detach exclude each other") }
  }

  func makeRequest() -> ControlRequest {
    ControlRequest(.stop, onStop: keep ? .keep : detach ? .detach : nil)
  }

  func run() throws {
    let client = try control.connect()
    let outcome = try client.ask(makeRequest(), as: ControlOutcome.self)
    Narration.tell(outcome.done)
    client.waitForEnd()
    if json { return try StatusOutput.printJSON(ControlOutcome("stopped")) }
    Narration.tell("stopped")
  }
}
