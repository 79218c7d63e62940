import CMedullaABI
import DatapathCases
import Foundation
import MedullaCompile
import MedullaFlows
import PacketCases
import Testing

@testable import MedullaClassification
@testable import MedullaDatapath
@testable import MedullaKernel

/// Real frames over a wire, more of them and worse ones than a network should carry: nothing is dropped that
/// no rule drops, and every packet of a flow is in one row.
@Suite(
  "the classifier under abuse", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelClassifierAbuseTests {
  private struct Attached {
    let name: InstanceName
    let wire: VethPair

    func counts() throws -> [String: ClassCounts] {
      let function = try #require(try Instance(name.text).pinned().function as? Classifier)
      return Dictionary(uniqueKeysWithValues: try function.counts(of: name).map { ($0.label, $0) })
    }

    /// Packets over all rows.
    func packets() throws -> Int { try counts().values.reduce(0) { $0 + Int($1.packets) } }

    func active() throws -> InstanceStatus.Slot {
      try #require(try Instance(name.text).status().slots.first { $0.state == .active })
    }
  }

  /// Attaches to the receiving end, and detaches whatever happens.
  private func attached(
    _ letter: String, at hook: String = "xdp:\(VethPair.receiver)", packets: String = "10",
    rules: [String] = [], flows: Int? = nil, on wire: VethPair? = nil, _ body: (Attached) throws -> Void
  ) throws {
    let wire = try wire ?? VethPair()
    let name = try InstanceName(KernelTestHost.name(letter))
    let snapshot = try ClassifierBench.network().snapshot
    var settings = ClassifierSettings()
    settings.moment = try Classifier.moment(packets)
    for rule in rules { try settings.add(rule) }
    let classifier = Classifier(at: try FunctionHook(hook), settings)
    _ = try wire.inside {
      try Instance(name.text).attach(classifier, snapshot, settings: .init(flowLimit: flows))
    }
    defer { try? Instance(name.text).detach() }
    try body(Attached(name: name, wire: wire))
    #expect(try Instance(name.text).status().orphaned == 0)
  }

  /// UDP or TCP of IPv4 between two hosts, by the number of the flow.
  private static func frame(_ flow: Int, flags: UInt8? = nil, backward: Bool = false, payload: Int = 20)
    -> [UInt8]
  {
    let bytes = [UInt8](repeating: 7, count: payload)
    let transport = flags.map { Wire.tcp(flags: $0) } ?? Wire.udp(payload)
    var frame =
      Wire.ethernet(0x0800) + Wire.four(flags == nil ? 17 : 6, bytes: transport.count + payload) + transport
      + bytes
    let (near, far): ([UInt8], [UInt8]) = ([10, 1, UInt8(flow >> 16 & 0xff), 1], [10, 2, 0, 1])
    let (from, to) = (Wire.word(1 + flow & 0xffff), Wire.word(443))
    frame.replaceSubrange(26..<34, with: backward ? far + near : near + far)
    frame.replaceSubrange(34..<38, with: backward ? to + from : from + to)
    return frame
  }

  @Test(
    "100,000 flows against 10,000 entries: the rest is served and counted, nothing dropped, memory flat",
    arguments: ["xdp:\(VethPair.receiver)", "tc:\(VethPair.receiver):ingress"])
  func flood(hook: String) throws {
    try attached("ab", at: hook, flows: 10_000) { attached in
      #expect(try Instance(attached.name.text).status().flowLimit == 10_000)
      let (maps, before) = (try Self.mapBytes(attached.name), try Self.kernelBytes())
      let sent = try attached.wire.send(100_000, on: 0) { Self.frame($0, flags: 2) }
      #expect(sent == 100_000)
      #expect(try eventually { try attached.packets() == sent })
      let slot = try attached.active()
      #expect(slot.flows == 10_000 && slot.unpinned == UInt64(sent) - 10_000)
      #expect(try attached.counts().values.allSatisfy { $0.dropped == 0 })
      // Flows that are there stay there: their second packets find them.
      let again = try attached.wire.send(1_000, on: 0) { Self.frame($0, flags: 24) }
      #expect(try eventually { try attached.packets() == sent + again })
      #expect(try attached.active().unpinned == UInt64(sent) - 10_000)
      #expect(try Self.mapBytes(attached.name) == maps)
      // A kilobyte for each flow that had no room would be 90 MiB.
      #expect(try Self.kernelBytes() - before < 24 << 20)
    }
  }

  /// What the instance's table takes, as the kernel counts it.
  private static func mapBytes(_ name: InstanceName) throws -> [Int] {
    let shared = try Instance(name.text).pinned().shared()
    return try SharedMaps.names(of: Classifier(at: FunctionHook("xdp:lo"), ClassifierSettings())).sorted()
      .map { name in
        let number = try shared.map(name).descriptor.number
        let text = try String(contentsOfFile: "/proc/self/fdinfo/\(number)", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("memlock:") })
        return try #require(Int(line.dropFirst(8).trimmingCharacters(in: .whitespaces)))
      }
  }

  /// What the kernel itself uses, for packets and tables.
  private static func kernelBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/meminfo", encoding: .utf8)
    return text.split(separator: "\n").reduce(0) { sum, line in
      let words = line.split { $0 == " " || $0 == ":" }
      guard words.count > 1, ["SUnreclaim", "Percpu", "VmallocUsed"].contains(words[0]) else { return sum }
      return sum + (Int(words[1]) ?? 0) << 10
    }
  }

  @Test(
    "a class that is redirected leaves by the other interface, all of it",
    arguments: ["xdp:\(VethPair.receiver)", "tc:\(VethPair.receiver):ingress"])
  func redirected(hook: String) throws {
    let wire = try VethPair()
    for arguments in [
      ["ip", "link", "add", "med-out", "type", "veth", "peer", "name", "med-end"],
      ["sysctl", "-qw", "net.ipv6.conf.med-out.disable_ipv6=1"],
      ["sysctl", "-qw", "net.ipv6.conf.med-end.disable_ipv6=1"],
      ["ip", "link", "set", "med-out", "up"], ["ip", "link", "set", "med-end", "up"],
    ] {
      _ = try wire.output(arguments)
    }
    // A veth takes frames of XDP only where its other end has a program.
    try attached("ah", at: "xdp:med-end", on: wire) { end in
      let rules = ["web", "chat", "game", "unsure"].map { "\($0)=redirect:med-out" }
      try attached("ag", at: hook, packets: "2", rules: rules, on: wire) { attached in
        let sent = try wire.send(2_000, on: 0) { Self.frame($0 % 50) }
        #expect(try eventually { try attached.packets() == sent })
        let pending = try attached.counts()["pending"]?.packets
        #expect(sent == 2_000 && pending == 50, "the first packet of each goes on")
        #expect(try eventually { try end.packets() == sent - 50 })
        #expect(try attached.counts().values.allSatisfy { $0.dropped == 0 })
      }
    }
  }

  /// What the table has of a flow, up to its measures.
  private struct Entry: BitwiseCopyable {
    var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
    var state: flow_state
  }

  @Test("packets of one flow on two processors at once are all measured, each once")
  func twoProcessors() throws {
    try attached("ac", packets: "every") { attached in
      let each = 40_000
      let wire = attached.wire
      let results = [Result<Int, any Error>?](repeating: nil, count: 2)
      let box = Locked(results)
      DispatchQueue.concurrentPerform(iterations: 2) { side in
        let result = Result {
          try wire.send(each, on: side % ProcessInfo.processInfo.activeProcessorCount) { number in
            Self.frame(1, backward: side == 1, payload: 20 + number % 200)
          }
        }
        box.with { $0[side] = result }
      }
      let sent = try box.with { try $0.map { try #require($0).get() } }
      #expect(sent == [each, each])
      #expect(try eventually { try attached.packets() == 2 * each })
      let instance = try Instance(attached.name.text).pinned()
      let table = try instance.shared().map(Dispatcher.tableName)
      let entries = try table.values(beginningWith: Entry.self)
      let state = try #require(entries.first).state
      #expect(entries.count == 1)
      let payload = (0..<each).reduce(0) { $0 + 20 + $1 % 200 }
      let frames = UInt64(payload + each * 42)
      for way in [state.ways.0, state.ways.1] {
        #expect(way.lengths.count == UInt32(each) && way.lengths.sum == frames)
        #expect(way.payloads.sum == UInt64(payload) && way.gaps.count == UInt32(each - 1))
        #expect(way.lengths.least == 62 && way.lengths.most == 261)
        let squares = (0..<each).reduce(0) { $0 + (62 + $1 % 200) * (62 + $1 % 200) }
        #expect(way.lengths.squares == UInt64(squares) && way.lengths.squares_high == 0)
      }
      #expect(state.gaps.count == UInt32(2 * each - 1))
      let slot = try attached.active()
      #expect(slot.flows == 1 && slot.inferences + slot.contended >= UInt64(2 * each))
    }
  }

  @Test("a reused pair of ends is a new flow after both sides have ended, and is decided anew")
  func reused() throws {
    try attached("ad", packets: "3") { attached in
      let life: [(UInt8, Bool)] = [(2, false), (18, true), (16, false), (24, false), (17, false), (17, true)]
      for _ in 0..<5 {
        for (flags, backward) in life {
          #expect(
            try attached.wire.send(1, on: 0) { _ in Self.frame(1, flags: flags, backward: backward) } == 1)
        }
      }
      #expect(try eventually { try attached.packets() == 30 })
      let counts = try attached.counts()
      #expect(counts["pending"]?.packets == 10, "two of each life")
      #expect(["web", "chat", "game", "unsure"].reduce(0) { $0 + (counts[$1]?.flows ?? 0) } == 5)
    }
  }

  @Test(
    "fragments, frames that are cut at any byte and frames of no flow pass, and only whole headers are a flow"
  )
  func broken() throws {
    let whole = Self.frame(1, flags: 24)
    // Later fragments of it: without ports.
    var fragment = whole
    fragment.replaceSubrange(20..<22, with: [0, 185])
    let frames = (14...whole.count).map { Array(whole.prefix($0)) } + [fragment]
    try attached("ae", at: "tc:\(VethPair.receiver):ingress") { attached in
      let before = try Self.received(attached.wire)
      let sent = try attached.wire.send(frames.count, on: 0) { frames[$0] }
      #expect(try eventually { try Self.received(attached.wire) - before == sent })
      // From the header's last byte on.
      #expect(try attached.packets() == whole.count - 54 + 1)
      #expect(try attached.active().flows == 1)
    }
  }

  private static let captures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/data/captures").standardizedFileURL.path

  @Test(
    "every capture at top speed: as many packets are counted as are of flows, and all frames go on",
    .enabled(if: FileManager.default.fileExists(atPath: Self.captures), "no ../shared/data"),
    arguments: ["xdp:\(VethPair.receiver)", "tc:\(VethPair.receiver):ingress"])
  func replay(hook: String) throws {
    var frames: [[UInt8]] = []
    var meter = FlowMeter(idle: .seconds(60))
    for file in try FileManager.default.contentsOfDirectory(atPath: Self.captures).sorted() {
      guard !file.hasSuffix(".txt"), let capture = try? CaptureFile(Self.captures + "/" + file),
        capture.link == .ethernet
      else { continue }
      while let frame = try? capture.next(), frames.count < 60_000 {
        let bytes = Array(frame.bytes)
        guard (14...1_514).contains(bytes.count), bytes.count == frame.length else { continue }
        frames.append(bytes)
        _ = try meter.take(frame, of: .ethernet)
      }
    }
    let all = frames
    try attached("af", at: hook, packets: "every") { attached in
      let before = try Self.received(attached.wire)
      let sent = try attached.wire.send(all.count, on: 0) { all[$0] }
      #expect(sent == all.count && sent > 10_000)
      #expect(try eventually { try Self.received(attached.wire) - before == sent })
      #expect(try eventually { try attached.packets() == sent - meter.counts.withoutFlow })
      #expect(try attached.counts().values.allSatisfy { $0.dropped == 0 })
      #expect(try attached.active().unpinned == 0)
    }
  }

  /// Captures of Ethernet whose frames are whole and fit the wire, and what the meter makes of them.
  private static func wholeCaptures() throws -> (files: [String], frames: Int, withoutFlow: Int) {
    var (files, frames) = ([String](), 0)
    var meter = FlowMeter(idle: .seconds(60))
    for name in try FileManager.default.contentsOfDirectory(atPath: captures).sorted() {
      let path = captures + "/" + name
      guard !name.hasSuffix(".txt"), let capture = try? CaptureFile(path), capture.link == .ethernet else {
        continue
      }
      var (own, isWhole) = (meter, true)
      do {
        while let frame = try capture.next() {
          isWhole = isWhole && (14...1_514).contains(frame.bytes.count) && frame.bytes.count == frame.length
          _ = try own.take(frame, of: .ethernet)
        }
      } catch {
        isWhole = false
      }
      guard isWhole, own.counts.frames > meter.counts.frames else { continue }
      files.append(path)
      frames = own.counts.frames
      meter = own
    }
    return (files, frames, meter.counts.withoutFlow)
  }

  @Test(
    "tcpreplay of every capture at top speed: nothing is lost, and counts add up to the packet",
    .enabled(if: FileManager.default.fileExists(atPath: Self.captures), "no ../shared/data"),
    arguments: ["xdp:\(VethPair.receiver)", "tc:\(VethPair.receiver):ingress"])
  func tcpreplay(hook: String) throws {
    let (files, frames, withoutFlow) = try Self.wholeCaptures()
    #expect(files.count > 200 && frames > 10_000)
    try attached("ai", at: hook, packets: "every", flows: 32_768) { attached in
      let before = try Self.received(attached.wire)
      let said = try attached.wire.output(
        ["tcpreplay", "--topspeed", "--quiet", "--intf1", VethPair.sender] + files)
      #expect(said.contains("Failed packets:            0"), "\(said)")
      #expect(try eventually { try Self.received(attached.wire) - before == frames })
      #expect(try eventually { try attached.packets() == frames - withoutFlow })
      #expect(try attached.counts().values.allSatisfy { $0.dropped == 0 })
    }
  }

  private static func received(_ wire: VethPair) throws -> Int {
    let text = try wire.output(["cat", "/sys/class/net/\(VethPair.receiver)/statistics/rx_packets"])
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
  }
}

/// A value that one at a time may use.
private final class Locked<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value

  init(_ value: Value) { self.value = value }

  func with<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}
