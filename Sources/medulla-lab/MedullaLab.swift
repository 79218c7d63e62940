import ArgumentParser
import MedullaBase
import TestbedDemo

@main
struct MedullaLab: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "medulla-lab",
    abstract: "The testbed of Medulla: emulated links, the demonstration, baselines and experiments.",
    discussion: "`medulla` takes these commands too, and hands them to this program, which lies beside it.",
    version: "0.1.0",
    subcommands: [
      DemoCommand.self, LinkCommand.self, LinkWorkerCommand.self, ExperimentCommand.self,
      BaselineCommand.self, BenchCommand.self, NetworkFunctionCommand.self,
    ])

  static func main() {
    StandardOutput.failWhereLost()
    main(nil)
  }
}

/// `medulla-lab bench WHAT`: what needs an emulated network beside the datapath.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure on this machine, over a network of its own.",
    subcommands: [BenchCollectingCommand.self])
}
