import MedullaFlows
import MedullaKernel

/// Packets that a process is handed, by a socket that this process opens.
package struct PacketSupply: Sendable, Equatable {
  /// Whose.
  package var interface: String
  /// The object of a program that says which of them; nil: all.
  package var filter: [UInt8]?

  package init(of interface: String, through filter: [UInt8]? = nil) {
    (self.interface, self.filter) = (interface, filter)
  }

  /// Opens a socket with a filter of its own, which knows no flows yet.
  ///
  /// - Returns: a descriptor, which is the caller's to close.
  /// - Throws: `KernelError` where the filter cannot be loaded, `CaptureError` where the socket cannot be
  ///   opened.
  package func open() throws -> Int32 {
    guard let filter else { return try PacketSocket.open(interface) }
    let object = try BPFObject(bytes: filter, name: "filter")
    try object.load()
    guard let name = object.programNames.first else {
      throw KernelError(.invalid, "the filter of \(interface)'s packets has no program")
    }
    // The socket keeps the program and its table when the object has gone.
    let program = try object.loadedProgram(name)
    return try withExtendedLifetime(program) {
      try PacketSocket.open(interface, filter: program.descriptorNumber)
    }
  }
}
