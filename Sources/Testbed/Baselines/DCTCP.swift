import Foundation
import MedullaCongestion
import MedullaDatapath
import MedullaKernel
import TestbedLink
import TestbedMeasures

/// DCTCP (RFC 8257) as an eBPF congestion control of ours, for kernels without the module.
///
/// Both ends of a connection must use it, because the receiver echoes each mark; `prepare` sets that for a
/// namespace. A flow whose peer does not know ECN goes over to Reno.
package final class DCTCP {
  /// Not `dctcp`, which is the name of the kernel's own.
  package static let defaultName = "medulla_dctcp"
  /// Its link is pinned under this prefix and its name, when it is to outlive the process.
  private static let pinPrefix = BPFFileSystem.mountPoint + "/medulla-baseline-"

  /// As sockets select it.
  package let congestion: String
  private var link: BPFLink?
  private let counts: BPFMap
  private var before = Counts()

  /// What its flows did since it was attached or since `beginWindow`, over all namespaces.
  package struct Statistics: Equatable, Sendable {
    /// Windows of data over which alpha was updated.
    package var windows: Int
    /// Of them, those with a mark.
    package var markedWindows: Int
    /// Reactions to loss.
    package var losses: Int
    /// Flows whose peer does not know ECN, which went over to Reno.
    package var flowsWithoutECN: Int
    /// The mean of alpha over the windows, between 0 and 1.
    package var meanAlpha: Double
  }

  /// `struct dctcp_counts`.
  struct Counts: BitwiseCopyable {
    var windows: UInt64 = 0
    var marked: UInt64 = 0
    var losses: UInt64 = 0
    var without: UInt64 = 0
    var alphaSum: UInt64 = 0
  }

  /// The program, for several values.
  package struct Program: Sendable {
    let object: [UInt8]

    /// Compiles it; nothing is attached.
    package init() throws {
      object = try BPFCompiler().object(source: "dctcp.bpf.c", files: BaselineSources.dctcp)
    }
  }

  /// Registers it; sockets may select it as long as this object lives or it is pinned.
  ///
  /// - Parameter program: nil: compiled now.
  /// - Throws: `badParameter` for a name that TCP has, `KernelError` when the kernel refuses.
  package init(name: String, program: Program? = nil) throws {
    congestion = try InstanceName(name).congestion
    guard !CongestionControls.available().contains(congestion) else {
      throw TestbedError(
        .badParameter, "TCP has a congestion control named \(congestion) already.",
        remedy: "Choose another name, or detach that one.")
    }
    let object = try BPFObject(bytes: (program ?? Program()).object, name: "dctcp")
    try object.setStructOps(
      "dctcp_ops", type: "tcp_congestion_ops", member: "name", to: congestion, capacity: 16)
    try object.load()
    counts = try object.loadedMap("dctcp_counts")
    link = try object.attachStructOps("dctcp_ops")
  }

  deinit { detach() }

  /// Takes it away from new sockets; those that have it keep it, and go on to count. Safe to call twice.
  package func detach() {
    try? link?.detach()
    link = nil
  }

  /// Makes sockets of a namespace use it unless they select another, and with it ECN.
  package func prepare(_ namespace: NetworkNamespace) throws {
    try namespace.set(["net.ipv4.tcp_ecn=1", "net.ipv4.tcp_congestion_control=\(congestion)"])
  }

  /// Statistics count from now on; flows without ECN always from the attachment on.
  package func beginWindow() throws { before = try read() }

  package func statistics() throws -> Statistics {
    let now = try read()
    let windows = now.windows &- before.windows
    return Statistics(
      windows: Int(clamping: windows), markedWindows: Int(clamping: now.marked &- before.marked),
      losses: Int(clamping: now.losses &- before.losses), flowsWithoutECN: Int(clamping: now.without),
      meanAlpha: windows > 0 ? Double(now.alphaSum &- before.alphaSum) / 1024 / Double(windows) : 0)
  }

  private func read() throws -> Counts {
    let all = try counts.valuesPerProcessor(at: 0, as: Counts.self)
    func sum(_ member: KeyPath<Counts, UInt64>) -> UInt64 { all.reduce(0) { $0 &+ $1[keyPath: member] } }
    return Counts(
      windows: sum(\.windows), marked: sum(\.marked), losses: sum(\.losses), without: sum(\.without),
      alphaSum: sum(\.alphaSum))
  }

  /// Lets it stay when this object and the process go; `detach(name:)` takes it away.
  package func keep() throws {
    guard let link else { return }
    try BPFFileSystem.ensureMounted()
    try link.pin(at: Self.pinPrefix + congestion)
    self.link = nil
  }

  /// Takes away one that was kept.
  ///
  /// - Throws: `badParameter` when none of that name was.
  package static func detach(name: String = defaultName) throws {
    let path = try pinPrefix + InstanceName(name).congestion
    guard BPFFileSystem.exists(path) else {
      throw TestbedError(
        .badParameter, "No DCTCP of the name \(name) is attached.",
        remedy: "`medulla baseline dctcp attach` attaches one.")
    }
    let link = try BPFLink(pinned: path)
    try BPFFileSystem.unpin(path)
    try link.detach()
  }
}
