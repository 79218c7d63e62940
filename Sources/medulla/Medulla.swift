import ArgumentParser

@main
struct Medulla: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "medulla",
    abstract: "Neural networks in the network datapath.",
    discussion: """
      A trained network becomes an integer snapshot (compile), runs inside the kernel as a TCP congestion \
      control that any program can select (attach), and is replaced while flows run (update, rollback).
      """,
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(
        name: "Networks",
        subcommands: [CompileCommand.self, InspectCommand.self, RunModelCommand.self, TrainCommand.self]),
      CommandGroup(
        name: "Kernel",
        subcommands: [
          DoctorCommand.self, AttachCommand.self, StatusCommand.self, UpdateCommand.self,
          RollbackCommand.self,
          DetachCommand.self, BenchCommand.self,
        ]),
      CommandGroup(
        name: "Testbed",
        subcommands: [
          DemoCommand.self, LinkCommand.self, LinkWorkerCommand.self, ExperimentCommand.self,
        ]),
    ]
  )
}
