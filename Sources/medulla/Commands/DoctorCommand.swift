import ArgumentParser
import MedullaCompile
import MedullaDatapath

/// `medulla doctor`.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine has, and what each missing thing costs.",
    discussion: "Exits with 1 when something that the kernel datapath needs is missing.")

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let report = Doctor().examine()
    if json {
      try StatusOutput.printJSON(report)
    } else {
      for check in report.checks {
        print(
          "\(check.ok ? "ok     " : check.required ? "MISSING" : "absent ")  \(check.name): \(check.detail)")
        if !check.remedy.isEmpty { print("         \(check.remedy)") }
      }
    }
    if !report.ok { throw ExitCode.failure }
  }
}
