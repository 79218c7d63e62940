import Foundation

/// What a reader of a result needs to know about the machine.
package struct HostFacts: Codable, Equatable, Sendable {
  package var kernel: String
  package var architecture: String
  package var processor: String
  package var processors: Int
  package var iperf3: String

  package static func read() -> HostFacts {
    var name = utsname()
    uname(&name)
    let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = information.split(separator: "\n").first { $0.hasPrefix("model name") }?
      .split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
    let iperf3 = try? ChildProcess.run(["iperf3", "--version"]).outputText.split(separator: "\n").first
    return HostFacts(
      kernel: text(&name.release), architecture: text(&name.machine), processor: model ?? "unknown",
      processors: ProcessInfo.processInfo.processorCount, iperf3: iperf3.map(String.init) ?? "missing")
  }

  private static func text<Field>(_ field: inout Field) -> String {
    withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
