import CCrypto

/// SHA-256 (FIPS 180-4), by the system's libcrypto.
package struct SHA256 {
  package static let byteCount = 32

  /// libcrypto's state, which copies of this value must not share.
  private final class State {
    let context: OpaquePointer

    init() {
      guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
        preconditionFailure("libcrypto has no SHA-256")
      }
      self.context = context
    }

    init(copying other: State) {
      guard let context = EVP_MD_CTX_new(), EVP_MD_CTX_copy_ex(context, other.context) == 1 else {
        preconditionFailure("libcrypto could not copy a digest")
      }
      self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }
  }

  private var state = State()

  package init() {}

  package static func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finalize()
  }

  package mutating func update(_ bytes: some Sequence<UInt8>) {
    let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
    if done == nil { Array(bytes).withUnsafeBytes { update($0) } }
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
    if !isKnownUniquelyReferenced(&state) { state = State(copying: state) }
    precondition(EVP_DigestUpdate(state.context, start, bytes.count) == 1, "libcrypto refused bytes")
  }

  /// Little-endian, whatever the machine.
  package mutating func update(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { update($0) }
  }

  /// The 32 bytes of all that was given so far; more may follow.
  package func finalize() -> [UInt8] {
    let last = State(copying: state)
    var digest = [UInt8](repeating: 0, count: Self.byteCount)
    precondition(EVP_DigestFinal_ex(last.context, &digest, nil) == 1, "libcrypto gave no digest")
    return digest
  }
}
