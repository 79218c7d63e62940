import DatapathCases
import Foundation
import MedullaModel
import MedullaSnapshot
import Testing

@testable import MedullaCompile
@testable import MedullaDatapath
@testable import MedullaPacket

/// The worked example of `examples/custom-function`, as its README runs it.
@Suite(
  "the example of a custom function", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct CustomExampleTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../examples/custom-function").standardizedFileURL.path

  private func snapshot() throws -> (snapshot: DatapathSnapshot, file: SnapshotFile) {
    let network = try Network.read(contentsOf: Self.folder + "/classify.safetensors")
    let samples = try SampleFile.read(Self.folder + "/classify-calibration.npy", elements: 6)
    let file = try SnapshotFile(Quantizer().quantize(network, Calibration(samples: samples)))
    let own = [try FunctionSource(contentsOf: Self.folder + "/classify.bpf.c")]
    return (try DatapathSnapshot(compiling: file, name: "classify", own: own), file)
  }

  /// Packets that each class has sent: dialogues, bulk, and what is neither, in this order.
  private func packets(_ loopback: SlowLoopback) throws -> [Int] {
    let text = try loopback.output(["tc", "-s", "class", "show", "dev", "lo"])
    return (1...3).map { number in
      let block = text.components(separatedBy: "class htb 1:\(number) ").dropFirst().first ?? ""
      let words = block.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
      return words.firstIndex(of: "pkt").flatMap { Int(words[$0 - 1]) } ?? 0
    }
  }

  @Test("bulk flows go to the second class and a dialogue to the first, each by what the network says")
  func classes() throws {
    let loopback = try SlowLoopback()
    let commands = [
      ["qdisc", "replace", "dev", "lo", "root", "handle", "1:", "htb", "default", "3"],
      ["class", "add", "dev", "lo", "parent", "1:", "classid", "1:1", "htb", "rate", "500mbit", "prio", "0"],
      ["class", "add", "dev", "lo", "parent", "1:", "classid", "1:2", "htb", "rate", "500mbit", "prio", "1"],
      ["class", "add", "dev", "lo", "parent", "1:", "classid", "1:3", "htb", "rate", "500mbit", "prio", "2"],
    ]
    for command in commands {
      try SlowLoopback.run(["ip", "netns", "exec", loopback.name, "tc"] + command)
    }
    let name = KernelTestHost.name("xa")
    let (snapshot, file) = try snapshot()
    _ = try loopback.inside {
      try Instance(name).attach(
        PacketFunction(program: "classify", hook: FunctionHook("tc:lo:egress")), snapshot,
        settings: .init(sampleEvery: 1))
    }
    defer { try? Instance(name).detach() }
    let samples = try Instance(name).samples()
    // A dialogue of small messages, to the port that tells the truth about itself.
    try loopback.inside { try Self.talk(messages: 30, port: 22) }
    let quiet = try packets(loopback)
    #expect(quiet[0] >= 28, "\(quiet)")
    #expect(quiet[1] <= 2, "\(quiet)")
    let flow = try TestFlow(loopback, congestion: "reno")
    defer { flow.end() }
    flow.startSending()
    #expect(eventually { flow.sent > 20_000_000 })
    let busy = try packets(loopback)
    #expect(busy[1] > 100, "\(busy)")
    #expect(busy[1] > 20 * (busy[0] - quiet[0]), "\(busy)")
    // The dialogue's samples carry its class: 0, interactive.
    let reference = ReferenceInterpreter(file.snapshot)
    let all = try samples.drain()
    #expect(all.count >= 30)
    for sample in all {
      #expect(sample.outcomes == [0])
      #expect(reference.run(features: sample.features) == sample.outputs)
    }
  }

  private static func talk(messages: Int, port: UInt16) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr(SlowLoopback.address)
    for number in 0..<messages {
      let text = String(repeating: "k", count: 5 + number % 40)
      _ = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(descriptor, text, text.utf8.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      usleep(15_000)
    }
  }
}
