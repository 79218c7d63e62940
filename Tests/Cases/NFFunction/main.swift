import Foundation
import MedullaBase
import MedullaNF

/// A network function for tests, in a process of its own: `nf-test-function PATH NAME WHAT [SECONDS]`. It
/// goes on with the next host for so many seconds.
let arguments = CommandLine.arguments
guard arguments.count >= 4, let function = TestFunction(arguments[3]) else {
  FileHandle.standardError.write(
    Data("usage: nf-test-function PATH NAME release|next|late|branchN|stuck [SECONDS]\n".utf8))
  exit(64)
}
do {
  let port = try FunctionPort(path: arguments[1], function: arguments[2])
  try port.serve(
    function, reattaching: .seconds(arguments.count > 4 ? Int(arguments[4]) ?? 0 : 0))
} catch {
  FileHandle.standardError.write(Data("nf-test-function: \(error)\n".utf8))
  exit(1)
}
