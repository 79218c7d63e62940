import Foundation
import Logging
import MedullaAdaptation
import MedullaDatapath
import MedullaLearning
import MedullaModel
import Testing

@Suite("An adapter in a process of its own", .enabled(if: ProcessPeer.isPresent, "needs python3"))
struct ProcessAdapterTests {
  static func batch(_ count: Int = 3) -> Batch {
    Batch(
      samples: (0..<count).map {
        FunctionSample(
          id: 5 << 48 + UInt64($0), nanoseconds: 1 << 60 + UInt64($0), flow: .max - UInt64($0), version: 7,
          features: [Int64($0) << 16, 1],
          outputs: [-1 << 15], outcomes: [5, Int64($0)])
      }, dropped: 2)
  }

  @Test("it learns, evaluates and freezes what it was given, bit for bit")
  func dutiful() throws {
    let adapter = try ProcessPeer.adapter()
    defer { adapter.close() }
    #expect(try adapter.evaluate([[1.5, 2], [-3, 4]]) == [[1.5], [-3]])
    let progress = try adapter.adapt(Self.batch())
    #expect(progress.stability == 1 && progress.figures == ["samples": 3])
    #expect(try adapter.adapt(Batch()).stability == 0.5)
    #expect(try adapter.freeze() == ProcessPeer.network())
    #expect(try adapter.evaluate([]) == [])
    #expect(adapter.starts == 1 && adapter.failures == 0)
  }

  @Test("samples arrive with all 64 bits of id, flow, version and time")
  func exactWords() throws {
    let adapter = try ProcessPeer.adapter(
      """
      def hook(request, tensors):
          if request["request"] != "adapt": return
          assert tensors["id"] == (5 << 48, (5 << 48) + 1, (5 << 48) + 2), tensors
          assert tensors["flow"] == (2**64 - 1, 2**64 - 2, 2**64 - 3), tensors
          assert tensors["time"] == (2**60, 2**60 + 1, 2**60 + 2), tensors
          assert tensors["version"] == (7, 7, 7) and request["dropped"] == 2
          assert tensors["features"] == (0, 2**-16, 1, 2**-16, 2, 2**-16), tensors
          assert tensors["outputs"] == (-0.5,) * 3 and tensors["outcomes"] == (5, 0, 5, 1, 5, 2)
      """)
    defer { adapter.close() }
    #expect(try adapter.adapt(Self.batch()).figures["samples"] == 3)
  }

  @Test("a fault is told with the process's own words, and the process is gone", arguments: ProcessFault.all)
  func faults(_ fault: ProcessFault) throws {
    let adapter = try ProcessPeer.adapter(fault.hooks) {
      $0.deadline = fault.code == .timedOut ? .milliseconds(400) : .seconds(20)
      $0.restart.first = .seconds(60)
      $0.restart.longest = .seconds(60)
    }
    defer { adapter.close() }
    let start = ContinuousClock.now
    if fault.kind != "hello" {
      if fault.kind == "freeze" { _ = try adapter.evaluate([]) } else { _ = try adapter.freeze() }
    }
    let process = adapter.processIdentifier
    let failure = ProcessPeer.failure {
      switch fault.kind {
      case "evaluate": _ = try adapter.evaluate([[1, 2]])
      case "freeze": _ = try adapter.freeze()
      default: _ = try adapter.adapt(Self.batch())
      }
    }
    let found = try #require(failure)
    #expect(found.code == fault.code, "\(found)")
    #expect(found.description.contains(fault.says), "\(found)")
    #expect(ContinuousClock.now - start < .seconds(30))
    if let process { #expect(kill(process, 0) != 0, "the process is still there") }
    // A further call is refused at once and says why.
    let refused = try #require(ProcessPeer.failure { _ = try adapter.freeze() })
    #expect(refused.code == .backingOff && refused.details.contains(found.message), "\(refused)")
  }
}
