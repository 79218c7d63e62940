import ArgumentParser
import Foundation
import MedullaBase
import MedullaCompile
import TestbedLink
import TestbedMeasures

/// `medulla demo`: the shipped network on the kernel's TCP, against CUBIC and BBR, with a swap in mid-flow.
package struct DemoCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Show a trained network steering TCP on an emulated link.",
    discussion: """
      Makes two network namespaces with an emulated link, attaches the shipped network as a congestion \
      control, runs iperf3 with it, with CUBIC and with BBR, lets a flow of CUBIC join it, puts in a \
      new snapshot while a flow runs, and removes everything. Prints three tables and writes demo.html and \
      demo.json. Takes about two minutes. \
      Without root or without the kernel's features it runs the network in the simulator and says so.
      """)

  @Option(help: ArgumentHelp("Directory for the report.", valueName: "dir"))
  var out = "demo-results"
  @Option(help: ArgumentHelp("Directory with the shipped network.", valueName: "dir"))
  var models: String?
  @Option(help: "Rate of the link in Mbit/s.")
  var rate = 48.0
  @Option(help: "Round trip of the link in ms.")
  var rtt = 40.0
  @Option(help: "Buffer of the link in bandwidth-delay products.")
  var buffer = 2.0
  @Option(help: "Seconds of each comparison.")
  var seconds = 14
  @Flag(help: "Use the simulator even where the kernel could.")
  var simulate = false
  @Flag(help: "Print the outcome as JSON.")
  var json = false

  package init() {}

  package func run() throws {
    Interruption.watch()
    let plan = try plan()
    let network = try ShippedNetwork(
      .congestion, directory: models ?? ShippedNetwork.directory())
    let report = DemoReport(try outcome(plan, network))
    let directory = URL(fileURLWithPath: out, isDirectory: true)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let text = try JSONText.encode(report.outcome)
    try Data(text.utf8).write(to: directory.appendingPathComponent("demo.json"))
    let page = directory.appendingPathComponent("demo.html")
    try Data(report.html.utf8).write(to: page)
    print(json ? text : report.text)
    Narration.tell("The report with plots: \(page.path)")
  }

  private func outcome(_ plan: DemoPlan, _ network: ShippedNetwork) throws -> DemoOutcome {
    let simulated = SimulatedDemo(plan, tell: Narration.tell)
    if simulate { return try simulated.run(network, reason: "--simulate was given.") }
    let obstacles = Doctor().obstaclesToDemo()
    guard obstacles.isEmpty else {
      for obstacle in obstacles {
        Narration.tell(
          "Not in the kernel: \(obstacle.name): \(obstacle.detail)\n  remedy: \(obstacle.remedy)")
      }
      let reasons = obstacles.map { "\($0.name): \($0.detail)" }.joined(separator: "; ")
      return try simulated.run(network, reason: "the kernel cannot be used here (\(reasons)).")
    }
    let steering = try KernelSteering(network, name: KernelSteering.freeName())
    return try Demo(plan, tell: Narration.tell).run(steering)
  }

  private func plan() throws -> DemoPlan {
    var plan = DemoPlan()
    plan.rateMbps = rate
    plan.rttMilliseconds = rtt
    plan.bufferBdp = buffer
    plan.seconds = seconds
    plan.warmUp = seconds / 4
    guard (4...600).contains(seconds), rate > 0, rate <= 10_000, rtt > 0, rtt <= 10_000, buffer > 0,
      buffer <= 100
    else { throw ValidationError("The link or the time is out of range.") }
    try plan.cell.link(seed: 1).validate()
    return plan
  }
}
