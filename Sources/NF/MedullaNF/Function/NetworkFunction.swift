/// A network function: a program that gets frames of a chain in batches, and says what becomes of each.
///
/// Every frame that it gets must be returned once, at once or later, and at most the chain's quota of them
/// may be out. One thread calls.
package protocol NetworkFunction: AnyObject {
  /// Frames as they came. The buffer is gone after the call; a frame's bytes stay until it is returned.
  func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) throws
  /// No frame came for `FunctionPort.idleInterval`, or so long has passed since this was called last.
  func look(by port: FunctionPort) throws
  /// Another host is there. Frames that the function had are lost, and their bytes are not mapped any more.
  func startAnew(by port: FunctionPort) throws
  /// The chain has ended; no frame can be returned any more.
  func end() throws
}

extension NetworkFunction {
  package func look(by port: FunctionPort) throws {}
  package func startAnew(by port: FunctionPort) throws {}
  package func end() throws {}
}
