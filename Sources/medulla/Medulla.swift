import ArgumentParser
import MedullaBase

@main
enum Program {
  static func main() {
    StandardOutput.failWhereLost()
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard Forwarding.takes(arguments) else { return Medulla.main(arguments) }
    do {
      try SiblingProgram.become(Forwarding.program, arguments)
    } catch {
      Medulla.exit(withError: error)
    }
  }
}

struct Medulla: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "medulla",
    abstract: "Neural networks in the network datapath.",
    discussion: """
      A trained network becomes an integer snapshot (compile), runs inside the kernel as a TCP congestion \
      control that any program can select (attach), and is replaced while flows run (update, rollback). The \
      daemon (run) learns from live traffic and replaces it when that pays (why, history, top).
      """,
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(
        name: "Networks",
        subcommands: [CompileCommand.self, InspectCommand.self, RunModelCommand.self, TrainCommand.self]),
      CommandGroup(
        name: "Flows",
        subcommands: [
          FeaturesCommand.self, ClassifyCommand.self, ReplayCommand.self, LabelsCommand.self,
          MirrorCommand.self,
        ]),
      CommandGroup(
        name: "Kernel",
        subcommands: [
          DoctorCommand.self, AttachCommand.self, StatusCommand.self, UpdateCommand.self,
          RollbackCommand.self, DetachCommand.self, BenchCommand.self,
        ]),
      CommandGroup(
        name: "Slow path",
        subcommands: [
          RunCommand.self, TopCommand.self, WhyCommand.self, HistoryCommand.self, PauseCommand.self,
          ResumeCommand.self, PromoteCommand.self, ProxyCommand.self, ReloadCommand.self, StopCommand.self,
        ]),
      CommandGroup(
        name: "Network functions",
        subcommands: [NFCommand.self, NFFunctionCommand.self, NFDemultiplexerCommand.self]),
      CommandGroup(name: "Fabric", subcommands: [FabricCommand.self]),
      CommandGroup(
        name: "Testbed", subcommands: Forwarding.groups + [SimulatorCommand.self]),
    ]
  )
}
