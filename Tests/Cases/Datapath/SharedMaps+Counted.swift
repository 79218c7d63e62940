import MedullaDatapath
import MedullaKernel

extension SharedMaps {
  /// Counts flows on a pin that are nowhere, as programs do whose second half never ran.
  package func addCounted(_ flows: UInt64, on pin: Int) throws {
    let map = try map("medulla_flows")
    let key = UInt32(pin)
    var bytes = try map.bytes(at: key)
    bytes.withUnsafeMutableBytes { raw in
      let held = raw.loadUnaligned(as: UInt64.self)
      raw.storeBytes(of: held &+ flows, as: UInt64.self)
    }
    try map.set(bytes: bytes, at: key)
  }
}
