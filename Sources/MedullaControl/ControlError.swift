import MedullaBase

/// Why the daemon, its configuration, its history or its socket refused.
package enum ControlErrorCode: String, Sendable, Codable {
  case badConfiguration = "bad_configuration"
  /// A message on the socket is not of the protocol.
  case badMessage = "bad_message"
  case unknownMethod = "unknown_method"
  case unknownFunction = "unknown_function"
  case badParameter = "bad_parameter"
  /// The state of the function does not allow what was asked.
  case refused
  case tooManyClients = "too_many_clients"
  case tooLarge = "too_large"
  case notRunning = "not_running"
  case alreadyRunning = "already_running"
  case history
  case io
  case privileges
  case adapter
  /// The kernel or the datapath refused.
  case fastPath = "fast_path"
}

package typealias ControlError = CodedError<ControlErrorCode>
