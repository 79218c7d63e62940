/// What is agreed of a stream of objects.
package struct StreamProfile: Hashable, Sendable {
  package var format: ObjectFormat
  /// Nanoseconds from an object's first packet in which it must be whole.
  package var deadline: UInt64
  /// Objects of one stream at a time, so that none of them can take all slots.
  package var objectLimit: Int

  package init(format: ObjectFormat, deadline: UInt64, objectLimit: Int) {
    self.format = format
    self.deadline = deadline
    self.objectLimit = objectLimit
  }
}
