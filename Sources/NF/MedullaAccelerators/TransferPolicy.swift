/// How the pieces of an object get from packet memory into a tensor.
///
/// The first two are what the paper compares with (Dhakal and Ramakrishnan, NetML, section IV: A#1 and A#2),
/// the fourth is the paper's own.
package enum TransferPolicy: String, Hashable, Sendable, Codable, CaseIterable {
  /// A copy call for each piece (A#1).
  case perPacket = "per-packet"
  /// The processor copies pieces into one staging memory, and a single call copies the whole object (A#2).
  case staged
  /// One call for a list of copies, which the driver carries out in any order.
  case batchedCopy = "batched-copy"
  /// A kernel for each batch of packets reads the pieces where they were received.
  case pull
  /// A kernel that stays on the device reads the pieces that a ring in host memory names.
  case residentPull = "resident-pull"
}

extension TransferPolicy {
  /// One line for people.
  package var summary: String {
    switch self {
    case .perPacket: "one copy call for each packet"
    case .staged: "the processor copies, then one call for the whole object"
    case .batchedCopy: "one call for a batch of copies"
    case .pull: "a kernel for each batch of packets pulls them"
    case .residentPull: "a resident kernel pulls what a ring names"
    }
  }

  /// What it comes to where the tensor lies in host memory.
  package var meaningOnHost: String {
    switch self {
    case .perPacket, .batchedCopy, .pull: "each byte is copied once, into the tensor, by the calling thread"
    case .staged: "each byte is copied twice: into the staging memory, and from there into the tensor"
    case .residentPull: "each byte is copied once, into the tensor, by a thread that watches the ring"
    }
  }

  /// Whether a packet's frame can be given back as soon as its pieces were handed over.
  package var freesFramesAtOnce: Bool { self == .staged }

  /// Whether more pieces in one hand-over make it cheaper.
  package var gainsFromBatches: Bool {
    switch self {
    case .batchedCopy, .pull: true
    case .perPacket, .staged, .residentPull: false
    }
  }
}
