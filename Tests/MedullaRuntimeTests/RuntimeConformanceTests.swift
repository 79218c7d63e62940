import Foundation
import InferenceCases
import MedullaDatapath
import MedullaRuntime
import RuntimeCases
import Testing

@Suite("Every runtime", .serialized)
struct RuntimeConformanceTests {
  static let seed: UInt64 = 20_261_121
  static let here = Runtimes.all.filter { $0.obstacle == nil }.map(\.name)
  /// Each compiles every case by itself, which takes minutes: between them they have all cases, and each of
  /// them has each network. MEDULLA_EVERY_CASE=yes gives each all cases.
  private static let compiled = Runtimes.all.map(\.name).filter { $0.hasPrefix("native-") }

  /// A runtime's part of the cases, which come as networks with their schemes.
  static func part<Case>(of cases: [Case], for name: String) -> [Case] {
    guard let own = compiled.firstIndex(of: name),
      ProcessInfo.processInfo.environment["MEDULLA_EVERY_CASE"] != "yes"
    else { return cases }
    let count = compiled.count
    return cases.enumerated().filter { ($0.offset + $0.offset / count) % count == own }.map(\.element)
  }

  @Test("native runtimes have all cases between them, and none is left to one alone for a scheme")
  func parts() throws {
    let cases = try InferenceCase.all(seed: Self.seed)
    let parts = Self.compiled.map { Self.part(of: cases, for: $0).map(\.name) }
    #expect(parts.count == 3)
    #expect(Set(parts.flatMap { $0 }) == Set(cases.map(\.name)))
    for part in parts { #expect(Set(part.compactMap { $0.split(separator: " ").last }).count == 4) }
  }

  @Test("gives on the inference suite what it promises: the same bits, or the float network", arguments: here)
  func suite(name: String) throws {
    let runtime = try Runtimes.named(name)
    let every = try InferenceCase.all(seed: Self.seed)
    let cases = Self.part(of: every, for: name)
    #expect(every.count > 50)
    let all = try cases.concurrentMap { try RuntimeConformance(runtime, $0).breaches() }
    for (example, breaches) in zip(cases, all) {
      #expect(breaches.isEmpty, "\(name), \(example.name), seed \(Self.seed): \(breaches.prefix(3))")
    }
  }

  @Test("that is missing here says why and what to do")
  func obstacles() {
    for runtime in Runtimes.all {
      guard let obstacle = runtime.obstacle else { continue }
      #expect(obstacle.code == .unavailable)
      #expect(!obstacle.remedy.isEmpty, "\(runtime.name)")
      if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1" {
        Issue.record("\(runtime.name) is missing: \(obstacle)")
      }
    }
  }

  @Test("has a name of its own; another name is refused with those that there are")
  func names() throws {
    #expect(Set(Runtimes.names).count == Runtimes.all.count)
    for name in Runtimes.names { #expect(try Runtimes.named(name).name == name) }
    let error = #expect(throws: RuntimeError.self) { try Runtimes.named("abacus") }
    #expect(error?.code == .unknown)
    for name in Runtimes.names { #expect(error?.remedy.contains(name) == true) }
  }

  @Test("refuses rows of another size", arguments: here)
  func sizes(name: String) throws {
    let network = try TestNetworks.dense(seed: 1)
    let loaded = try Runtimes.named(name).load(network)
    let short = #expect(throws: RuntimeError.self) { try loaded.run(words: [[1, 2, 3]]) }
    #expect(short?.code == .wrongSize)
    #expect(throws: RuntimeError.self) { try loaded.run(values: [[1], [2]]) }
    #expect(throws: RuntimeError.self) { try loaded.time([1], repeats: 1) }
  }

  @Test("refuses a value that is no finite number, by row and feature", arguments: here)
  func notFinite(name: String) throws {
    let loaded = try Runtimes.named(name).load(TestNetworks.dense(seed: 1))
    for value in [Float.nan, .infinity, -.infinity] {
      var rows = [[Float]](repeating: [Float](repeating: 0, count: TestNetworks.inputs), count: 3)
      rows[2][4] = value
      let error = #expect(throws: RuntimeError.self) { try loaded.run(values: rows) }
      #expect(error?.code == .notFinite)
      #expect(error?.message.contains("feature 4 of row 2") == true, "\(error?.message ?? "")")
    }
  }

  @Test(
    "keeps what it loaded before when it loads another, and answers any number of threads", arguments: here)
  func threads(name: String) throws {
    let runtime = try Runtimes.named(name)
    // Two snapshots of one shape, which a runtime with one state would mix up.
    let networks = try [1, 2].map { try TestNetworks.dense(seed: $0) }
    let loaded = try networks.map(runtime.load)
    let rows = TestNetworks.rows(count: 37)
    let expected = try loaded.map { try $0.run(words: rows) }
    #expect(expected[0] != expected[1])
    if runtime.promise == .exact {
      for (network, outputs) in zip(networks, expected) {
        #expect(try ReferenceRuntime().load(network).run(words: rows) == outputs)
      }
    }
    let wrong = WrongAnswers()
    DispatchQueue.concurrentPerform(iterations: 16) { thread in
      for turn in 0..<20 {
        let which = (thread + turn) % 2
        if (try? loaded[which].run(words: rows)) != expected[which] { wrong.add() }
      }
    }
    #expect(wrong.count == 0)
  }
}
