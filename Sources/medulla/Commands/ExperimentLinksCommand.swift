import ArgumentParser
import Foundation
import MedullaTestbed

/// `medulla experiment links`: a congestion control on a matrix of emulated links.
///
/// Ends with status 2 when a full matrix misses a target.
struct LinksExperimentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "links", abstract: "Compare congestion controls on emulated links.",
    discussion: """
      Writes links.json and links.svg into the output directory. The congestion control under test must be \
      attached already (`medulla attach congestion`), or be one of the kernel's own. A full matrix takes \
      about 35 minutes; `--rates 12 --rtts 10 --buffers 1 --parts steady --seconds 6` one cell in seconds.

      Exit status: 0 when a full matrix meets every target, and after a part of it, which has no verdict; 2 \
      when a full matrix misses a target; 1 when it could not be measured.
      """)

  @Option(help: ArgumentHelp("Directory for the results.", valueName: "dir"))
  var out = "links-results"
  @Option(help: ArgumentHelp("The congestion control under test.", valueName: "name"))
  var congestion = "medulla"
  @Flag(help: "A few cells, about two minutes.")
  var quick = false
  @Flag(help: "Compare with BBR too.")
  var withBbr = false
  @Flag(help: "Run only the congestion control under test.")
  var alone = false
  @Option(help: ArgumentHelp("Rates in Mbit/s.", valueName: "list"))
  var rates: String?
  @Option(help: ArgumentHelp("Round trips in ms.", valueName: "list"))
  var rtts: String?
  @Option(help: ArgumentHelp("Buffers in bandwidth-delay products.", valueName: "list"))
  var buffers: String?
  @Option(help: ArgumentHelp("steady, loss, fairness.", valueName: "list"))
  var parts: String?
  @Option(help: ArgumentHelp("Numbers of equal flows.", valueName: "list"))
  var flows: String?
  @Option(help: "Random loss of the loss part.")
  var loss = 0.01
  @Option(help: "Seconds of one run, warm-up included.")
  var seconds: Int?
  @Option(help: "Seconds at a run's start that do not count.")
  var warmUp: Int?
  @Option(help: "Runs of each cell.")
  var repeats = 1
  @Option(help: "Seed of the random losses.")
  var seed: UInt64 = 1
  @Flag(help: "Print the result file on standard output.")
  var json = false

  func run() throws {
    Interruption.watch()
    let experiment = try LinkExperiment(plan())
    let directory = URL(fileURLWithPath: out, isDirectory: true)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    // Written after each run: an interrupted experiment keeps what it has.
    let result = try experiment.run { done, total, run, result in
      Narration.tell("[\(done)/\(total)] \(run.line)")
      try Data(JSONText.encode(result).utf8).write(to: directory.appendingPathComponent("links.json"))
      try Data(result.plots.svg.utf8).write(to: directory.appendingPathComponent("links.svg"))
    }
    let text = try JSONText.encode(result)
    if json { print(text) } else { print(result.verdict.summary) }
    if result.verdict.failed { throw ExitCode(2) }
  }

  private func plan() throws -> LinkPlan {
    var plan = quick ? LinkPlan.quick : LinkPlan()
    plan.congestion = congestion
    plan.baselines = alone ? [] : withBbr ? ["cubic", "bbr"] : ["cubic"]
    plan.rates = try rates.map { try numbers($0, "rates") } ?? plan.rates
    plan.rtts = try rtts.map { try numbers($0, "rtts") } ?? plan.rtts
    plan.buffers = try buffers.map { try numbers($0, "buffers") } ?? plan.buffers
    plan.flowCounts = try flows.map { try numbers($0, "flows").map { Int($0) } } ?? plan.flowCounts
    plan.parts = try parts.map(partList) ?? plan.parts
    plan.loss = loss
    plan.seconds = seconds ?? plan.seconds
    plan.warmUp = warmUp ?? (seconds == nil ? plan.warmUp : nil)
    plan.repeats = repeats
    plan.seed = seed
    return plan
  }

  private func numbers(_ text: String, _ option: String) throws -> [Double] {
    try text.split(separator: ",").map { word in
      guard let value = Double(word), value.isFinite, value >= 0, value <= 1e6 else {
        throw ValidationError("--\(option) wants numbers with commas between them, not `\(word)`.")
      }
      return value
    }
  }

  private func partList(_ text: String) throws -> [LinkCell.Part] {
    try text.split(separator: ",").map { word in
      guard let part = LinkCell.Part(rawValue: String(word)) else {
        throw ValidationError("--parts wants steady, loss or fairness, not `\(word)`.")
      }
      return part
    }
  }
}
