import Foundation
import TestbedLink

/// What building an ns-3 scenario takes: the library's headers, a C++ compiler, make.
package struct NS3Installation: Codable, Equatable, Sendable {
  /// As ns-3's pkg-config file states it.
  package let version: String

  static let header = "ns3/tcp-dctcp.h"
  static let remedy = """
    ns-3 is optional and only the large-scale experiments need it. Debian and Ubuntu: \
    `apt-get install libns3-dev g++ make`; elsewhere ns-3 3.36 or later, installed under /usr or /usr/local.
    """

  /// - Throws: `missingProgram` that names what is missing and how to install it.
  package static func find(roots: [String] = ["/usr", "/usr/local"]) throws -> NS3Installation {
    let files = FileManager.default
    guard let root = roots.first(where: { files.isReadableFile(atPath: "\($0)/include/\(header)") }) else {
      throw TestbedError(
        .missingProgram,
        "ns-3 is not installed: \(header) is not below \(roots.joined(separator: "/include or "))/include.",
        remedy: remedy)
    }
    for program in ["c++", "cc", "make", "nice"] where ExternalProgram.path(program) == nil {
      throw TestbedError(
        .missingProgram, "ns-3 is there, but `\(program)` is not on the path.", remedy: remedy)
    }
    return NS3Installation(version: version(root))
  }

  private static func version(_ root: String) -> String {
    let libraries = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/lib")) ?? []
    let places = (libraries.map { "lib/\($0)" } + ["lib"]).map { "\(root)/\($0)/pkgconfig/ns3-core.pc" }
    for place in places {
      guard let text = try? String(contentsOfFile: place, encoding: .utf8) else { continue }
      for line in text.split(separator: "\n") where line.hasPrefix("Version:") {
        return line.dropFirst("Version:".count).trimmingCharacters(in: .whitespaces)
      }
    }
    return "unknown"
  }
}
