import Foundation
import MedullaNF

/// A network function on a thread of the tests' own process, which remembers what it got.
final class FunctionThread: Sendable {
  struct Seen: Sendable {
    var number: Int
    var rule: Int
    var nanoseconds: UInt64
    var isWhole: Bool
  }

  private final class Recorder: NetworkFunction {
    let verdict: @Sendable (Int) -> Verdict?
    let expected: (@Sendable (Int) -> TestFrame)?
    let seen: Box<[Seen]>
    let isEnded: Box<Bool>

    init(
      _ verdict: @escaping @Sendable (Int) -> Verdict?, _ expected: (@Sendable (Int) -> TestFrame)?,
      _ seen: Box<[Seen]>, _ isEnded: Box<Bool>
    ) {
      (self.verdict, self.expected, self.seen, self.isEnded) = (verdict, expected, seen, isEnded)
    }

    struct Ended: Error {}

    func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) throws {
      for frame in frames {
        let number = TestFrame.number(in: frame.bytes) ?? -1
        // What is no frame of the tests has any number.
        let isNumber = (0..<1 << 30).contains(number)
        let isWhole = isNumber && (expected.map { $0(number).bytes == Array(frame.bytes) } ?? true)
        seen.change {
          $0.append(Seen(number: number, rule: frame.rule, nanoseconds: frame.nanoseconds, isWhole: isWhole))
        }
        if let verdict = verdict(number) { port.return(frame, verdict) }
      }
    }

    func look(by port: FunctionPort) throws {
      if isEnded.value { throw Ended() }
    }
  }

  private let recorded = Box<[Seen]>([])
  private let failure = Box<(any Error)?>(nil)
  private let isEnded = Box(false)
  private let done = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - expected: what a frame of a number must be, byte for byte.
  ///   - verdict: nil: the frame is kept.
  init(
    _ path: String, _ name: String, reattaching patience: Duration = .zero,
    expecting expected: (@Sendable (Int) -> TestFrame)? = nil,
    verdict: @escaping @Sendable (Int) -> Verdict? = { _ in .next }
  ) {
    let (recorded, failure, isEnded, done) = (recorded, failure, isEnded, done)
    Thread {
      do {
        let port = try FunctionPort(path: path, function: name)
        try port.serve(Recorder(verdict, expected, recorded, isEnded), reattaching: patience)
      } catch is Recorder.Ended {
      } catch {
        failure.value = error
      }
      done.signal()
    }.start()
  }

  var seen: [Seen] { recorded.value }
  var count: Int { recorded.change { $0.count } }
  var error: (any Error)? { failure.value }

  /// Waits for its end; it ends with its host, or by this.
  func end() {
    isEnded.value = true
    done.wait()
  }
}
