import MedullaNF
import MedullaNFFunctions

/// A process that forwards every frame, until its chain ends.
package enum ForwardProcess {
  package static let argument = "network-function"

  package static func serve(path: String, function name: String) throws {
    let port = try FunctionPort(path: path, function: name)
    let function = try ForwardFunction(FunctionOptions("{}", kind: "forward"))
    try port.serve(function)
  }
}
