import CMedullaNF

/// What a process that comes says, read from bytes that may be anything.
package enum Handshake {
  /// The function that a process wants to be; nil: it says nothing that this host knows.
  package static func function(saying bytes: UnsafeRawBufferPointer) -> String? {
    guard bytes.count == MemoryLayout<nf_hello>.size else { return nil }
    let hello = bytes.loadUnaligned(as: nf_hello.self)
    guard hello.magic == UInt32(NF_HELLO_MAGIC), hello.version == UInt32(NF_WELCOME_VERSION) else {
      return nil
    }
    return withUnsafeBytes(of: hello.function) { name in
      guard let end = name.firstIndex(of: 0), end > 0 else { return nil }
      return String(validating: name[..<end], as: UTF8.self)
    }
  }

  /// The process that says it can begin; nil: it says something else.
  package static func process(accepting bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count == MemoryLayout<nf_accept>.size else { return nil }
    let answer = bytes.loadUnaligned(as: nf_accept.self)
    guard answer.magic == UInt32(NF_ACCEPT_MAGIC), answer.version == UInt32(NF_WELCOME_VERSION) else {
      return nil
    }
    return Int(answer.process)
  }
}
