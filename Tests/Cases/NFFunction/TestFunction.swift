import MedullaNF

/// Returns all that it gets by one verdict, or keeps it all.
final class TestFunction: NetworkFunction {
  /// nil: it is stuck.
  private let verdict: Verdict?
  private var packets: UInt64 = 0

  init?(_ word: String) {
    switch word {
    case "release": verdict = .release
    case "next": verdict = .next
    case "stuck": verdict = nil
    default:
      guard word.hasPrefix("branch"), let number = Int(word.dropFirst("branch".count)) else { return nil }
      verdict = .branch(number)
    }
  }

  func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) {
    packets += UInt64(frames.count)
    guard let verdict else { return }
    for frame in frames { port.return(frame, verdict) }
  }

  func look(by port: FunctionPort) { port.count("packets", packets) }
}
