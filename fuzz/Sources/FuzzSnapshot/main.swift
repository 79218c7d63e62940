import Crypto
import Foundation
import MedullaSnapshot

/// Called by libFuzzer with every input that it makes up: a snapshot file without its digest, which is put
/// on, so that what lies behind the digest is tried too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSnapshot(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let body = [UInt8](UnsafeBufferPointer(start: start, count: count))
  let file = body + SHA256.hash(data: body)
  for bytes in [body, file] {
    if let violation = SnapshotProperties.violation(bytes) { preconditionFailure(violation) }
  }
  return 0
}
