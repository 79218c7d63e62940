import MedullaNF

/// Returns all that it gets by one verdict, or keeps it all.
final class TestFunction: NetworkFunction {
  /// nil: it is stuck.
  private let verdict: Verdict?
  private var packets: UInt64 = 0
  /// Whether it has each batch in hand until the next one, or until nothing comes.
  private let isLate: Bool
  private var kept: [Frame] = []

  init?(_ word: String) {
    isLate = word == "late"
    switch word {
    case "late": verdict = .next
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
    giveBack(by: port)
    if isLate { kept = Array(frames) } else { for frame in frames { port.return(frame, verdict) } }
  }

  private func giveBack(by port: FunctionPort) {
    for frame in kept { port.return(frame, verdict ?? .release) }
    kept = []
  }

  func look(by port: FunctionPort) {
    giveBack(by: port)
    port.count("packets", packets)
  }

  func startAnew(by port: FunctionPort) { kept = [] }
}
