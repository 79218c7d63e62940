import Glibc
import MedullaNF

/// A network function for tests: `nf-test-function PATH NAME VERDICT`, which returns all that it gets.
final class ReturningFunction: NetworkFunction {
  private let verdict: Verdict
  private var packets: UInt64 = 0

  init(_ verdict: Verdict) { self.verdict = verdict }

  func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) {
    for frame in frames { port.return(frame, verdict) }
    packets += UInt64(frames.count)
  }

  func look(by port: FunctionPort) { port.count("packets", packets) }
}

let arguments = CommandLine.arguments
guard arguments.count == 4 else {
  fputs("usage: nf-test-function PATH NAME next|release\n", stderr)
  exit(64)
}
do {
  let port = try FunctionPort(path: arguments[1], function: arguments[2])
  try port.serve(ReturningFunction(arguments[3] == "next" ? .next : .release))
} catch {
  fputs("nf-test-function: \(error)\n", stderr)
  exit(1)
}
