import DatapathCases
import Foundation
import Glibc
import MedullaNF
import Testing

@Suite(
  "Quotas of functions on the kernel's frames", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelQuotaTests {
  private static func function(_ name: String, quota: Int, _ next: ChainFunction.Target = .release)
    -> ChainFunction
  {
    var function = ChainFunction(name: name)
    (function.quota, function.next) = (quota, next)
    return function
  }

  @Test("a stuck function holds its quota to the frame, and those of others go on", arguments: [true, false])
  func stuck(_ ownsReceive: Bool) throws {
    var stuck = Self.function("stuck", quota: 100)
    stuck.ownsReceive = ownsReceive
    let settings = ChainCase.settings(
      [
        stuck, Self.function("first", quota: 1_024, .function("inner")), Self.function("inner", quota: 70),
        Self.function("other", quota: 1_024),
      ], entries: ["stuck", "first", "other"])
    let chain = try ChainCase(settings)
    let threads = ["stuck", "first", "inner", "other"].map { name in
      FunctionThread(chain.path, name, verdict: { _ in name == "stuck" || name == "inner" ? nil : .next })
    }
    #expect(chain.isPresent(["stuck", "first", "inner", "other"]))
    for round in 0..<6 {
      let frames = (0..<300).map { TestFrame(number: $0, destinationPort: 7_000 + $0 % 3) }
      #expect(try chain.send(frames, on: round % 2) == 300)
      let keeping = min(100, 100 * (round + 1)) + min(70, 100 * (round + 1))
      #expect(chain.settled(sent: 300 * (round + 1), keeping: keeping) != nil, "round \(round)")
    }
    let report = try #require(chain.report)
    #expect(report["stuck"].map { [$0.received, $0.overQuota, UInt64($0.held)] } == [100, 500, 100])
    #expect(report["inner"].map { [$0.received, $0.overQuota, UInt64($0.held)] } == [70, 530, 70])
    for name in ["first", "other"] {
      #expect(report[name].map { [$0.received, $0.returned, $0.overQuota, $0.lost] } == [600, 600, 0, 0])
    }
    #expect(report.delivered == 1_300 && report.notTaken == 500)
    chain.stop()
    threads.forEach { $0.end() }
    #expect(threads.map(\.count) == [100, 600, 70, 600])
  }

  @Test(
    "what a function cannot take is dropped, or is the kernel's", arguments: ChainFunction.Fallback.allCases)
  func fallback(_ fallback: ChainFunction.Fallback) throws {
    var function = Self.function("full", quota: 10)
    function.fallback = fallback
    let chain = try ChainCase(ChainCase.settings([function], entries: ["full"]))
    try SlowLoopback.run([
      "ip", "-n", chain.pair.name, "address", "add", "10.9.0.1/24", "dev", VethPair.receiver,
    ])
    let link = try chain.pair.output(["cat", "/sys/class/net/\(VethPair.receiver)/address"])
    let address = link.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: ":")
      .compactMap { UInt8($0, radix: 16) }
    try #require(address.count == 6)
    let receiver = try chain.pair.inside { DatagramReceiver(port: 7_000) }
    // Nobody is there, then a function that keeps what it gets.
    let frames = (0..<25).map { TestFrame(number: $0, destinationLink: address) }
    #expect(try chain.send(frames) == 25 && chain.settled(sent: 25) != nil)
    #expect(receiver.count(25) == (fallback == .kernel ? 25 : 0))
    let thread = FunctionThread(chain.path, "full", verdict: { _ in nil })
    #expect(chain.isPresent(["full"]))
    #expect(try chain.send(frames) == 25)
    let report = try #require(chain.settled(sent: 50, keeping: 10))
    #expect(receiver.count(15) == (fallback == .kernel ? 15 : 0))
    #expect(report["full"].map { [$0.absent, $0.received, $0.overQuota] } == [25, 10, 15])
    #expect(report.notTaken == 40 && report.delivered == 10)
    chain.stop()
    thread.end()
  }

  @Test("a function that the kernel and another feed has both quotas, and its rings hold them")
  func both() throws {
    let settings = ChainCase.settings(
      [Self.function("first", quota: 512, .function("both")), Self.function("both", quota: 64)],
      entries: ["first", "both"])
    #expect(settings.problems().isEmpty)
    let chain = try ChainCase(settings)
    let threads = [
      FunctionThread(chain.path, "first"),
      FunctionThread(chain.path, "both", verdict: { _ in nil }),
    ]
    #expect(chain.isPresent(["first", "both"]))
    let frames = (0..<400).map { TestFrame(number: $0, destinationPort: 7_000 + $0 % 2) }
    #expect(try chain.send(frames) == 400)
    let report = try #require(chain.settled(sent: 400, keeping: 128))
    #expect(
      report["both"].map { [$0.received, $0.overQuota] } == [128, 272] && report["both"]?.lastEnd == nil)
    chain.stop()
    threads.forEach { $0.end() }
  }
}

/// Counts datagrams that the kernel's own stack gets.
private final class DatagramReceiver: Sendable {
  private let descriptor: Int32

  init(port: UInt16) {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    #expect(status == 0)
  }

  deinit { close(descriptor) }

  /// How many have come; waits a moment for so many, and for one more.
  func count(_ expected: Int) -> Int {
    var buffer = [UInt8](repeating: 0, count: 2_048)
    var count = 0
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while poll(&watched, 1, count < expected ? 500 : 20) > 0 {
      if recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 { count += 1 }
    }
    return count
  }
}
