import CMedullaNF
import Foundation
import Glibc
import MedullaBase

/// Medulla's library over DPDK, opened at run time: who has no chain of DPDK's needs neither.
///
/// DPDK's environment is started once in a process and never ended; one chain after another can use it.
package final class DPDKLibrary: @unchecked Sendable {
  /// Names the library's file.
  package static let variable = "MEDULLA_DPDK"
  package static let fileName = "libmedulla_dpdk.so"
  private static let symbol = "medulla_dpdk"
  private static let logBytes = 8_192
  private static let logLines = 6
  private static let remedy =
    "install DPDK (apt-get install libdpdk-dev) and build it by scripts/dpdk-engine.sh, as `make build` "
    + "does; \(variable) names its file elsewhere"

  package let path: String
  let table: UnsafePointer<nf_dpdk_table>
  private let lock = NSLock()
  private var arguments: [String]?

  /// - Throws: `engine` where it, or DPDK, is not here, or is of another version.
  package init(path: String) throws(NFError) {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw NFError(
        .engine, "DPDK cannot be used", cause: dlerror().map { String(cString: $0) } ?? "",
        remedy: Self.remedy)
    }
    // It stays open: DPDK's threads are in it.
    guard let symbol = dlsym(handle, Self.symbol),
      let table = unsafeBitCast(symbol, to: nf_dpdk_open.self)(UInt32(NF_DPDK_VERSION)),
      table.pointee.version == UInt32(NF_DPDK_VERSION),
      table.pointee.bytes == UInt32(MemoryLayout<nf_dpdk_table>.size)
    else {
      throw NFError(
        .engine, "\(path) is not this version's library over DPDK",
        remedy: "build it anew by scripts/dpdk-engine.sh, as `make build` does")
    }
    self.path = path
    self.table = table
  }

  /// The one that the environment names, or that lies beside this program or below its prefix.
  package static func installed(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    beside program: String = SiblingProgram.own
  ) throws(NFError) -> DPDKLibrary {
    if let named = environment[variable], !named.isEmpty { return try DPDKLibrary(path: named) }
    let folder = URL(fileURLWithPath: program).resolvingSymlinksInPath().deletingLastPathComponent()
    let places = [
      folder.appendingPathComponent(fileName),
      folder.deletingLastPathComponent().appendingPathComponent("lib/\(fileName)"),
    ].map(\.path)
    guard let path = places.first(where: { access($0, R_OK) == 0 }) else {
      throw NFError(
        .engine, "DPDK cannot be used",
        cause: "\(fileName) is neither at \(places.joined(separator: " nor at "))",
        remedy: Self.remedy)
    }
    return try DPDKLibrary(path: path)
  }

  /// What DPDK calls itself, such as `DPDK 22.11.11`.
  package var release: String { table.pointee.release().map { String(cString: $0) } ?? "" }

  /// Starts DPDK's environment, or finds it started alike.
  func start(_ arguments: [String]) throws(NFError) {
    lock.lock()
    defer { lock.unlock() }
    guard self.arguments != arguments else { return }
    guard self.arguments == nil else {
      throw NFError(
        .engine, "DPDK runs in this process with other arguments",
        cause: "it can be started once: \(self.arguments?.joined(separator: " ") ?? "")",
        remedy: "host this chain by a process of its own: `medulla nf host FILE`")
    }
    // DPDK changes the order of the words, and keeps some.
    let words = arguments.map { strdup($0) }
    let vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 1)
    for (index, word) in words.enumerated() { vector[index] = word }
    vector[words.count] = nil
    let status = table.pointee.start(Int32(words.count), vector)
    guard status == 0 else {
      throw failed(
        "start DPDK (\(arguments.dropFirst().joined(separator: " ")))", status,
        remedy:
          "the key dpdk.eal of the chain's file has arguments of yours; another try needs a new process"
      )
    }
    self.arguments = arguments
    // What is told of a later failure shall be about it.
    _ = log()
  }

  /// The error of a call, with the end of what DPDK said of it.
  func failed(_ message: String, _ status: Int32, remedy: String) -> NFError {
    let said = log().split(separator: "\n").suffix(Self.logLines).joined(separator: "; ")
    return NFError(
      .engine, message, cause: said.isEmpty ? String(cString: strerror(abs(status))) : said, remedy: remedy)
  }

  /// What DPDK has said since this was asked last.
  func log() -> String {
    var text = [CChar](repeating: 0, count: Self.logBytes)
    let count = table.pointee.take_log(&text, UInt32(text.count))
    return String(decoding: text.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
