import MedullaBase
import MedullaKernel

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
  /// A computation that did not give what it must: a fault of the program.
  case broken
  /// A name that cannot name a fabric, or that another one has.
  case badName
  /// There is no such fabric, or its switches are gone.
  case notRunning
  /// The kernel, or a tool, refused.
  case system
  /// Inputs that are not the network's.
  case badInput
  /// As many clients as a fabric takes are there.
  case noSeat
  /// No answer came in time.
  case noAnswer
}

package typealias FabricError = CodedError<FabricErrorCode>

extension FabricError {
  package init(_ error: KernelError) {
    self.init(.system, error.message, cause: error.cause, remedy: error.remedy)
  }
}

/// What `body` gives; what the kernel refuses is an error of the fabric.
func onKernel<Value>(_ body: () throws(KernelError) -> Value) throws(FabricError) -> Value {
  do throws(KernelError) {
    return try body()
  } catch {
    throw FabricError(error)
  }
}
