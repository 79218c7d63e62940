import MedullaAccelerators
import MedullaRuntime
import MedullaSnapshot

/// An accelerator as a way to run compiled networks: the reference interpreter's bits.
///
/// On a GPU the integer kernel does it. On the CPU it is the native program where a compiler is at hand, and
/// the interpreter where none is.
package final class AcceleratorRuntime: Runtime {
  package let name: String
  package let summary: String
  package let promise = RuntimePromise.exact
  private let accelerator: DeviceAccelerator
  private let isHost: Bool

  /// - Parameter isHost: whether its tensors lie in host memory.
  package init(_ accelerator: DeviceAccelerator, isHost: Bool = false) {
    self.accelerator = accelerator
    self.isHost = isHost
    name = accelerator.name
    summary = accelerator.summary
  }

  package static let cpu = AcceleratorRuntime(.cpu(), isHost: true)
  package static let simulatedCUDA = AcceleratorRuntime(.simulatedCUDA(kernels: .instructions))
  package static let cuda = AcceleratorRuntime(.cuda())
  package static let all = [cpu, simulatedCUDA, cuda]

  package var obstacle: RuntimeError? { accelerator.obstacle.map(Self.error(.unavailable)) }

  private static func error(_ code: RuntimeErrorCode) -> (AcceleratorError) -> RuntimeError {
    { RuntimeError(code, $0.message, cause: $0.cause, remedy: $0.remedy) }
  }

  package func load(_ network: CompiledNetwork) throws -> any LoadedNetwork {
    if isHost {
      let native = NativeRuntime.simd
      return try native.obstacle == nil ? native.load(network) : ReferenceRuntime().load(network)
    }
    do throws(AcceleratorError) {
      let device = try DeviceNetwork(network.snapshot, driver: accelerator.driver())
      return AcceleratedNetwork(network.snapshot.shape, device)
    } catch  where error.code == .unsuitable {
      throw Self.error(.unsuitable)(error)
    } catch  where error.code == .unavailable {
      throw Self.error(.unavailable)(error)
    }
  }
}

private final class AcceleratedNetwork: LoadedNetwork {
  let shape: ProgramShape
  private let network: DeviceNetwork

  init(_ shape: ProgramShape, _ network: DeviceNetwork) {
    self.shape = shape
    self.network = network
  }

  func run(words rows: [[Int64]]) throws -> [[Int64]] {
    try check(rows)
    return try network.run(rows)
  }

  func facts() throws -> [String: Int] { ["deviceBytes": network.program.words.count * 8] }
}
