import CHost

/// CRC-32C of bytes that come in parts: of headers, and of whole objects.
///
/// The assembler never reads payload. Who gathers an object compares its digest (`ObjectDigest`), if the
/// sender gave one: then corruption on the way is found too, all but one in 2^32 of it.
package struct PayloadDigest: Hashable, Sendable {
  package private(set) var value: UInt32 = 0

  package init() {}

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    value = medulla_crc32c(value, bytes.baseAddress, bytes.count)
  }

  package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var digest = PayloadDigest()
    digest.add(bytes)
    return digest.value
  }
}
