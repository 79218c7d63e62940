import MedullaBase

package enum FabricErrorCode: String, Sendable {
  /// A topology that is none, or whose names do not meet.
  case badTopology
  /// A constraint that names nothing, or that another one forbids.
  case badConstraints
  /// The network has not the memory that it needs, or no place where it may be.
  case doesNotFit
  /// A network that cannot be cut into layers that are placed.
  case badNetwork
  /// A plan that cannot be read, or is of another version.
  case badPlan
}

package typealias FabricError = CodedError<FabricErrorCode>
