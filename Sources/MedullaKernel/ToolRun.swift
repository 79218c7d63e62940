import MedullaBase

/// What a tool left behind.
struct ToolRun: Sendable {
  let status: Int32
  let standardOutput: String
  let standardError: String

  /// Far more than any compilation or count takes; a tool that is not done by then never will be.
  static let limit: Duration = .seconds(600)

  /// Runs a program to its end, with both outputs kept; ends it at the limit with all that it has started.
  static func run(
    _ path: String, _ arguments: [String], directory: String? = nil, within limit: Duration = Self.limit
  ) throws(KernelError) -> ToolRun {
    do {
      let child = try ChildProgram(
        [path] + arguments, .init(directory: directory, leadsGroup: true))
      let outcome = try child.finish(within: limit)
      return ToolRun(
        status: outcome.status, standardOutput: outcome.outputText, standardError: outcome.errorText)
    } catch let error as ChildError {
      throw KernelError(
        .toolchain, error.message, cause: error.cause, remedy: error.remedy)
    } catch {
      throw KernelError(.toolchain, "run \(path)", cause: "\(error)")
    }
  }
}
