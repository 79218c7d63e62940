import CMedullaABI
import MedullaKernel

/// How many flows an instance at an interface keeps at once. Packets of others are decided one by one.
package enum FlowTableSize {
  /// A flow takes a kilobyte or two of the kernel's memory, whether it is there or not.
  package static let range = 1...262_144
  private static let optionsName = ".rodata.packet"

  /// - Throws: `badConfiguration` outside `range`.
  package static func validate(_ flows: Int) throws(DatapathError) {
    guard range.contains(flows) else {
      throw DatapathError(
        .badConfiguration, "a table of \(flows) flows",
        remedy: "give it \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// Before the first program set of an instance is loaded.
  static func set(_ flows: Int, in object: BPFObject) throws(KernelError) {
    let names = object.mapNames
    if names.contains(Dispatcher.tableName) { try object.setEntries(of: Dispatcher.tableName, to: flows) }
    // Half of the places are free, so that one is found in a few tries.
    if names.contains(Dispatcher.placesName) {
      try object.setEntries(of: Dispatcher.placesName, to: 2 * flows)
    }
  }

  /// Tells programs how large the table is that they will use, whoever made it; before they are loaded.
  static func tell(_ object: BPFObject) throws(KernelError) {
    guard var bytes = object.initialBytes(ofMap: optionsName),
      bytes.count == MemoryLayout<packet_options>.size
    else { return }
    let options = packet_options(flow_limit: try object.entries(of: Dispatcher.tableName))
    withUnsafeBytes(of: options) { bytes = Array($0) }
    try object.setInitialBytes(bytes, ofMap: optionsName)
  }
}
