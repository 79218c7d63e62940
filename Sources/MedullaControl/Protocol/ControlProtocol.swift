/// What both ends of the control socket hold to; `docs/reference/control-protocol.md` tells it to people.
package enum ControlProtocol {
  /// Counted up when a message changes in a way that an older peer would misread.
  package static let version = 1
  /// The longest request, its newline included, in bytes.
  package static let requestLimit = 64 << 10
  /// The longest answer, its newline included, in bytes.
  package static let answerLimit = 8 << 20
  /// Clients at a time; one more is told so and closed.
  package static let clientLimit = 32
  /// A client without a subscription that says nothing for so long is closed.
  package static let idleLimit = Duration.seconds(60)
  /// A client that takes nothing of what waits for it for so long is closed.
  package static let stallLimit = Duration.seconds(10)
  /// Records of one answer to `history`.
  package static let recordLimit = 5_000
}

/// What a client may ask.
package enum ControlMethod: String, Codable, Sendable, CaseIterable {
  /// The versions of both ends.
  case hello
  /// The daemon and each function, with the kernel's own counts.
  case status
  /// Why a snapshot was or was not replaced: the last decision of each gate.
  case why
  /// Records, newest last.
  case history
  /// A frame of live figures now and then, until the client goes.
  case top
  /// The loop goes on collecting and learning, and replaces nothing.
  case pause
  case resume
  /// The next candidate is made now, whatever the gates say.
  case promote
  /// The snapshot that was active before the last promotion becomes active.
  case rollback
  /// A value from outside that tells how well the network still does.
  case proxy
  /// What a person says of a decided flow.
  case label
  /// The configuration is read again.
  case reload
  /// The daemon ends.
  case stop
  /// A chain of network functions begins, by its file.
  case startChain = "start_chain"
  case stopChain = "stop_chain"
  /// Chains with their counts.
  case chains
}
