/// A kernel with its arguments and how many threads do it.
package struct KernelLaunch: Hashable, Sendable {
  package var kernel: DeviceKernel
  package var blocks: Int
  /// Threads of a block, a multiple of 32.
  package var threads: Int
  package var arguments: [KernelArgument]

  package init(_ kernel: DeviceKernel, blocks: Int, threads: Int, _ arguments: [KernelArgument]) {
    self.kernel = kernel
    self.blocks = blocks
    self.threads = threads
    self.arguments = arguments
  }
}

/// The kernels of `kernels.cu`, by their names there.
package enum DeviceKernel: String, Hashable, Sendable, CaseIterable {
  case gather = "medulla_gather"
  case gatherPersistent = "medulla_gather_persistent"
  case bytesToFloat = "medulla_bytes_to_float"
  case integerNetwork = "medulla_integer_network"

  /// The text that every driver loads; see `kernels.cu`.
  package static var text: String { String(decoding: PackageResources.kernels_ptx, as: UTF8.self) }
}

package enum KernelArgument: Hashable, Sendable {
  case address(DeviceAddress)
  case word(UInt32)
  case float(Float)

  /// The bytes that a parameter holds, low ones first.
  package var bits: UInt64 {
    switch self {
    case .address(let address): address.raw
    case .word(let word): UInt64(word)
    case .float(let float): UInt64(float.bitPattern)
    }
  }
}

/// `struct piece` of `kernels.cu`: what a kernel is told of a piece.
package struct DevicePiece: Hashable, Sendable {
  package var source: UInt64
  package var destination: UInt64
  package var length: UInt32
  package var reserved: UInt32 = 0

  package init(source: DeviceAddress, destination: DeviceAddress, length: Int) {
    self.source = source.raw
    self.destination = destination.raw
    self.length = UInt32(truncatingIfNeeded: length)
  }

  package static let byteCount = 24
}
