import Foundation

/// Programs of the system.
package enum ExternalProgram {
  /// Where a program is, on PATH or where administrators' programs are; nil when it is missing.
  package static func path(_ name: String) -> String? {
    let listed = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let places = listed.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return places.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
