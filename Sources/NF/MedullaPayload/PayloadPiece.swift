/// A piece of an object: where its bytes lie in packet memory, and where they belong in the object.
///
/// Headers travel as descriptors, the payload stays where it was received: who wants it in one place (an
/// accelerator, an engine) gathers pieces.
package struct PayloadPiece: Hashable, Sendable {
  /// The first byte, counted from the start of the packet memory.
  package var source: Int
  /// The first byte's place in the object.
  package var destination: Int
  /// Bytes.
  package var length: Int

  package init(source: Int, destination: Int, length: Int) {
    self.source = source
    self.destination = destination
    self.length = length
  }
}
