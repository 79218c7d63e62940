/// What became of a segment or datagram: each that is given is counted by exactly one of these.
package enum StreamCause: UInt8, Error, Hashable, Sendable, CaseIterable {
  /// It has bytes that were missing. Its frame is kept; of all others it is the caller's at once.
  case accepted
  /// No bytes, but it was heeded: TCP's SYN, ACK, FIN or RST, or an empty datagram.
  case control

  // What the frame alone says.
  /// No IPv4 or IPv6, or a header that is not whole.
  case noFlow
  /// Any part of a packet that was cut on its way: only the first has ports, and none has the whole.
  case fragment
  /// Neither TCP nor UDP.
  case otherTransport
  /// The frame ends before the packet does.
  case cut

  // What the flow says.
  /// All of its bytes are there already, or were.
  case repeated
  /// A segment of a flow whose beginning was not seen.
  case withoutStart
  /// It ends further ahead than the window.
  case beyondWindow
  /// It ends behind the end that a FIN has told.
  case beyondEnd
  /// Behind the bytes that are wanted.
  case notWanted
  /// Another beginning or end than the flow's, or a reset at a place where none can be.
  case inconsistent
  /// The flow was silent for too long, or is too old.
  case late
  case afterEnd

  // What is full.
  case noSlot
  case noMemory
  /// The flow holds as many segments as it may.
  case flowFull
}
