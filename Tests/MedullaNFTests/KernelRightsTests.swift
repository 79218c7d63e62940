import DatapathCases
import Foundation
import MedullaNF
import Testing

@Suite(
  "What a function's process can reach", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelRightsTests {
  /// What each attempt came to.
  private static func rights(
    user: UInt32? = FunctionProcess.user, confined: Bool = false,
    _ change: (inout ChainFunction) -> Void = { _ in }
  ) throws -> [String: String] {
    var function = ChainFunction(name: "rogue")
    function.user = FunctionProcess.user
    change(&function)
    let chain = try ChainCase(ChainCase.settings([function], entries: ["rogue"]))
    let process = try FunctionProcess(
      "nf-rogue-function", [chain.path, "rogue", "rights", "0", "1"] + (confined ? ["confined"] : []),
      user: user)
    let lines = process.text().split(separator: "\n").map(String.init)
    #expect(lines.last == "end")
    return Dictionary(
      uniqueKeysWithValues: lines.dropLast().compactMap { line in
        line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
      })
  }

  private static func isRefused(_ answer: String?) -> Bool { answer.map { $0 != "ok" } ?? false }

  private static let closed = [
    "map", "protect", "write", "truncate", "grow", "punch", "mode", "seal", "reopen", "host-descriptor",
    "host-memory", "truncate-rings",
  ]

  @Test(
    "packet memory is written, mapped for writing, opened anew, cut or unsealed by no function without rights"
  )
  func sealed() throws {
    let rights = try Self.rights()
    for what in Self.closed { #expect(Self.isRefused(rights[what]), "\(what): \(rights)") }
    #expect(rights["receive"] == "ok")
  }

  @Test("not even root maps sealed memory for writing, though it may open it")
  func root() throws {
    let rights = try Self.rights(user: nil)
    for what in [
      "map", "protect", "write", "truncate", "grow", "punch", "seal", "reopen-map", "truncate-rings",
    ] {
      #expect(Self.isRefused(rights[what]), "\(what): \(rights)")
    }
    #expect(rights["reopen"] == "ok")
  }

  @Test("a function that the chain's file lets writes packet memory, and does not cut it")
  func writable() throws {
    let rights = try Self.rights { $0.isWritable = true }
    for what in ["map", "protect", "write"] { #expect(rights[what] == "ok", "\(what): \(rights)") }
    for what in ["truncate", "grow", "mode", "reopen", "host-memory"] {
      #expect(Self.isRefused(rights[what]), "\(what): \(rights)")
    }
  }

  private static let shared = ["fill", "completion", "moved-fill", "moved-completion"]

  @Test(
    "who has a receive ring's socket reaches the rings that all functions share, but not through the filter")
  func sharedRings() throws {
    let free = try Self.rights()
    // Why the filter is there: the kernel itself keeps nobody from them.
    for what in Self.shared { #expect(free[what] == "ok", "\(what): \(free)") }
    let confined = try Self.rights(confined: true)
    for what in Self.shared { #expect(confined[what] == "EPERM", "\(what): \(confined)") }
    #expect(confined["receive"] == "ok")
  }

  @Test("a function whose frames the host takes has no socket to reach them by")
  func hostTaken() throws {
    let rights = try Self.rights { $0.ownsReceive = false }
    #expect(rights["map"] == "EACCES")
    for what in Self.shared + ["receive"] { #expect(rights[what] == nil) }
  }
}
