import ArgumentParser
import Foundation
import MedullaControl

/// `medulla top [FUNCTION]`.
struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Watch the daemon's functions live.",
    discussion: """
      Redraws in place on a terminal until Ctrl-C or q; elsewhere it prints a block of lines for each frame. \
      NO_COLOR switches colours off.
      """)

  @OptionGroup var control: ControlOptions
  @Option(help: ArgumentHelp("Seconds between frames, 0.05 to 60.", valueName: "seconds"))
  var every = 1.0
  @Flag(help: "Print one frame and end.")
  var once = false
  @Flag(help: "Print each frame as a line of JSON.")
  var json = false
  @Argument(help: "The function; all of them when left out.")
  var function: String?

  func validate() throws {
    guard every >= 0.05, every <= 60 else { throw ValidationError("--every takes 0.05 to 60 seconds") }
  }

  func run() throws {
    let client = try control.connect()
    let request = ControlRequest(once ? .status : .top, function: function, every: once ? nil : every)
    var bytes = try client.ask(request)
    if json { return try stream(client, first: bytes) }
    let screen = TopScreen(once: once)
    defer { screen.close() }
    while true {
      guard screen.show(try DaemonReport(answer: bytes)) else { return }
      if once { return }
      guard let next = try screen.nextFrame(of: client) else { return }
      bytes = next
    }
  }

  private func stream(_ client: ControlClient, first: [UInt8]) throws {
    var bytes = first
    while true {
      try FileHandle.standardOutput.write(contentsOf: Data(bytes + [UInt8(ascii: "\n")]))
      if once { return }
      bytes = try client.result()
    }
  }
}
