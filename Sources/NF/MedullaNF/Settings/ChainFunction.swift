/// A network function of a chain.
package struct ChainFunction: Sendable, Equatable {
  /// What becomes of frames that the function cannot take: it is not there, or has its quota.
  package enum Fallback: String, Sendable, CaseIterable, Codable {
    case drop
    /// To the kernel's network stack.
    case kernel
  }

  /// Where the verdict "next" leads: a function, an interface, or nowhere (the frame is released).
  package enum Target: Sendable, Hashable {
    case release
    case function(String)
    case interface(String)
  }

  package static let quotaRange = 1...(1 << 19)
  package static let branchLimit = 8

  /// At most 31 bytes, one of a kind in the chain.
  package var name: String
  /// Frames that the function may hold at a time; one that gets frames from the kernel and from other
  /// functions so many of each.
  package var quota = 4_096
  package var fallback = Fallback.drop
  package var next = Target.release
  /// Other targets, by the order of a function's verdicts.
  package var branches: [Target] = []
  /// Whether it may write into packet memory: then it can also forge stamps, and must be trusted.
  package var isWritable = false
  /// Whether it takes its frames from receive rings of its own, else the host takes them and hands them on.
  ///
  /// Who holds such a ring's socket can also map the rings of free and of sent frames, which all functions
  /// of the interface share, and spoil them. A process that is started with `has_receive_rings` in its
  /// isolation cannot. One that comes by itself is not kept from it: for another user's that is not trusted,
  /// let the host take the frames.
  package var ownsReceive = true
  /// Whose processes may come as this function, beside root's; a user's number.
  package var user: UInt32?
  /// A JSON object for the function itself.
  package var parameters = "{}"

  package init(name: String) {
    self.name = name
  }
}
