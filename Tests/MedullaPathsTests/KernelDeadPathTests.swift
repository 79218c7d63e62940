import CMedullaABI
import DatapathCases
import Foundation
import MedullaBase
import MedullaDatapath
import PacketCases
import Testing

@testable import MedullaPaths

/// Wires that die under live connections.
@Suite(
  "paths that die", .serialized, .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelDeadPathTests {
  private static let paths = ["dev=med-p0", "dev=med-p1"]

  @Test("flows leave a path that dies, new ones avoid it, and it is taken again when it lives")
  func leaves() throws {
    try PathBench.attached("qa", costs: [3, 5], paths: Self.paths, at: "med-hook") { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      let wires = bench.wires
      let long = Background { try wires.send(3, bytes: 200_000, pieces: 200, pause: 0.05, atOnce: true) }
      #expect(try eventually { try bench.counts()[0].packets > 20 })
      try wires.set(wire: 0, isSilent: true)
      #expect(try eventually { try bench.counts()[0].deaths >= 1 })
      #expect(try eventually { try bench.states().map(\.flows) == [0, 3] })
      // A flow that begins now is quick: it has not tried the dead path.
      let quick = try wires.send(1, bytes: 100)
      #expect(quick.allSatisfy { $0 < 0.9 }, "\(quick)")
      try wires.set(wire: 0, isSilent: false)
      // Copies of the long flows' packets find it out.
      #expect(
        try eventually(within: 5) { try bench.counts()[0].revivals >= 1 },
        "\((try? bench.counts()).debugDescription) \((try? bench.states()).debugDescription)")
      let flows = try bench.counts()[0].flows
      _ = try wires.send(1, bytes: 100)
      #expect(try bench.counts()[0].flows == flows + 1)
      _ = try long.result()
      let counts = try bench.counts()
      #expect(counts[0].left >= 3 && counts[0].probes >= 1)
    }
  }

  @Test("flows leave a path whose wire is cut at their next packet, and no new one waits for it")
  func cut() throws {
    try PathBench.attached("qd", costs: [3, 5], paths: Self.paths, at: "med-hook") { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      let wires = bench.wires
      let long = Background { try wires.send(3, bytes: 60_000, pieces: 60, pause: 0.05, atOnce: true) }
      #expect(try eventually { try bench.counts()[0].packets > 20 })
      try wires.set(wire: 0, isUp: false)
      #expect(try eventually { try bench.states().map(\.flows) == [0, 3] })
      let quick = try wires.send(3, bytes: 100)
      #expect(quick.allSatisfy { $0 < 0.9 }, "\(quick)")
      try wires.set(wire: 0, isUp: true)
      _ = try long.result()
    }
  }

  @Test("a host that only receives leaves a path on which its acknowledgements are lost")
  func deaf() throws {
    try PathBench.attached("qe", costs: [3, 5], paths: Self.paths, at: "med-hook") { bench in
      let server = try bench.wires.serve(atNearEnd: true)
      defer { withExtendedLifetime(server) {} }
      let wires = bench.wires
      let long = Background {
        try wires.send(
          2, bytes: 60_000, pieces: 60, pause: 0.05, to: Wires.client, fromNearEnd: false, atOnce: true)
      }
      #expect(try eventually { try bench.counts()[0].packets > 20 })
      try wires.set(wire: 0, isSilent: true)
      #expect(try eventually { try bench.states().map(\.flows) == [0, 2] })
      let counts = try bench.counts()
      #expect(counts[0].left >= 1 && counts[0].deaths == 1)
      // Three seconds, and what the silence cost.
      #expect(try long.result().allSatisfy { $0 < 8 })
    }
  }

  @Test("a host that receives what is lost and sent again, behind a long queue, stays on its path")
  func gaps() throws {
    try PathBench.attached("qg", costs: [3, 5], paths: Self.paths, at: "med-hook") { bench in
      let server = try bench.wires.serve(atNearEnd: true)
      defer { withExtendedLifetime(server) {} }
      // A queue of up to 60 ms, of which the receivers know nothing: their handshakes were quicker.
      try bench.wires.slowReturn(megabits: 16, queue: 120_000)
      _ = try bench.wires.send(
        4, bytes: 1_000_000, to: Wires.client, fromNearEnd: false, atOnce: true)
      let counts = try bench.counts()
      #expect(counts[0].packets > 1_000 && counts[0].left == 0 && counts[0].deaths == 0)
      #expect(counts[1].flows == 0)
    }
  }

  @Test("a flow without answers of its own leaves with those that have seen that there are none")
  func others() throws {
    try PathBench.attached("qb", costs: [3, 5], paths: Self.paths, at: "med-hook") { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      let wires = bench.wires
      let long = Background { try wires.send(1, bytes: 30_000, pieces: 60, pause: 0.03) }
      let talk = Background { try wires.talk(for: 2.0, every: 0.002) }
      #expect(try eventually { try bench.counts()[0].packets > 200 })
      try wires.set(wire: 0, isSilent: true)
      #expect(try eventually { try bench.counts()[0].deaths >= 1 })
      let silent = try bench.states()[0].silent_ns
      let arrivals = try talk.result().filter { $0 > silent }
      // The next packets of UDP after a round trip and 10 ms.
      let first = try #require(arrivals.first)
      #expect(first - silent < 200_000_000, "\(first - silent) ns")
      #expect(arrivals.count > 200)
      _ = try long.result()
    }
  }

  @Test("whatever dies in whatever order, while one path lives every connection ends well")
  func never() throws {
    try PathBench.attached("qc", costs: [4, 4.1], paths: Self.paths, at: "med-hook") { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      let wires = bench.wires
      var generator = SeededGenerator(seed: 11)
      let steady = Background {
        try wires.send(8, bytes: 80_000, pieces: 80, pause: 0.05, atOnce: true, within: 20)
      }
      for _ in 0..<4 {
        let (dead, isCut) = (Int.random(in: 0...1, using: &generator), Bool.random(using: &generator))
        try isCut ? wires.set(wire: dead, isUp: false) : wires.set(wire: dead, isSilent: true)
        _ = try wires.send(2, bytes: 20_000, within: 15)
        usleep(UInt32.random(in: 0...300_000, using: &generator))
        try isCut ? wires.set(wire: dead, isUp: true) : wires.set(wire: dead, isSilent: false)
        usleep(UInt32.random(in: 0...300_000, using: &generator))
      }
      // Each has checked what arrived.
      #expect(try steady.result().count == 8)
    }
  }
}

/// Something that runs meanwhile, on a thread of its own.
final class Background<Value: Sendable>: @unchecked Sendable {
  private let done = DispatchSemaphore(value: 0)
  private var outcome: Result<Value, any Error>?

  init(_ body: @escaping @Sendable () throws -> Value) {
    Thread {
      self.outcome = Result { try body() }
      self.done.signal()
    }.start()
  }

  /// Waits for it.
  func result() throws -> Value {
    done.wait()
    defer { done.signal() }
    guard let outcome else { throw CancellationError() }
    return try outcome.get()
  }
}
