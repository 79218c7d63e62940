/// The accelerators that there are. A new one is a line here.
package enum AcceleratorList {
  /// The first is meant where none is named.
  package static var all: [any Accelerator] {
    [DeviceAccelerator.cpu(), DeviceAccelerator.simulatedCUDA(), DeviceAccelerator.cuda()]
  }

  /// - Throws: `unsuitable` for a name that no accelerator has.
  package static func named(_ name: String) throws(AcceleratorError) -> any Accelerator {
    let all = all
    if let accelerator = all.first(where: { $0.name == name }) { return accelerator }
    throw AcceleratorError(
      .unsuitable, "there is no accelerator \"\(name)\"",
      remedy: "use one of \(all.map(\.name).joined(separator: ", "))")
  }
}
