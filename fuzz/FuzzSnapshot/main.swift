import Foundation
import MedullaBase
import SnapshotFileProperties

/// Called by libFuzzer with every input that it makes up: a snapshot file, which is tried as it is and with
/// digests that fit, so that what lies behind them is tried too. One of version 1 lacks its digest.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSnapshot(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let body = [UInt8](UnsafeBufferPointer(start: start, count: count))
  for bytes in [body, SnapshotProperties.sealed(body)] {
    if let violation = SnapshotProperties.violation(bytes) { preconditionFailure(violation) }
  }
  return 0
}
