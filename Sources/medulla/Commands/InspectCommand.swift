import ArgumentParser
import MedullaBase
import MedullaCompile
import MedullaSnapshot

/// `medulla inspect`: what a bundle computes, and why it cannot overflow.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show a bundle's layers, ranges, packing and proven bounds.")

  @Argument(help: "A bundle made by `medulla compile`.")
  var bundle: String
  @Flag(help: "Have this machine's kernel verify its programs instead, and count what it walks through.")
  var verify = false
  @Flag(help: "Print JSON on standard output.")
  var json = false

  func run() throws {
    let bundle = try SnapshotBundle.open(bundle)
    if verify { return try show(BundleVerification(bundle)) }
    let summary = SnapshotSummary(bundle)
    try print(json ? JSONText.encode(summary, keys: .asNamed) : summary.text)
  }

  private func show(_ verification: BundleVerification) throws {
    if json { return try print(JSONText.encode(verification, keys: .snakeCase)) }
    for program in verification.programs {
      print("\(program.function)  \(program.verifiedInstructions) instructions verified")
    }
  }
}
