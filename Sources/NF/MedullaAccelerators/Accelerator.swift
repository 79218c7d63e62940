import MedullaBase
import MedullaEngines
import MedullaPayload

/// A device that gathers pieces of objects out of packet memory and runs networks on them.
///
/// One caller at a time for what moves data. Work is done after the calls have returned, in two orders that
/// run beside each other: transfers, and computations. Nothing that leaves the packet memory or a tensor
/// reaches the device.
package protocol Accelerator: AnyObject, Sendable {
  /// What commands call it: lower case, words joined by `-`.
  var name: String { get }
  /// One line for people.
  var summary: String { get }
  /// Why it cannot be used on this machine, with what to do about it; nil where it can.
  var obstacle: AcceleratorError? { get }
  /// The device; it is opened by that.
  func describe() throws(AcceleratorError) -> DeviceDescription
  /// Why a policy cannot be used here; nil where it can.
  func obstacle(to policy: TransferPolicy) throws(AcceleratorError) -> AcceleratorError?

  /// Makes a packet memory known to the device, once and as a whole; it must outlive the registration.
  func register(
    _ memory: UnsafeRawBufferPointer, isReadOnly: Bool
  ) throws(AcceleratorError) -> MemoryRegistration
  func unregister(_ registration: MemoryRegistration) throws(AcceleratorError)
  func makeTensor(byteCount: Int) throws(AcceleratorError) -> DeviceTensor
  func free(_ tensor: DeviceTensor) throws(AcceleratorError)

  /// Begins to move pieces into a tensor. The frames that they lie in may be used anew when the ticket is
  /// done.
  ///
  /// - Parameter closes: whether the object is whole with these, so that what was held back goes too.
  func gather(
    _ pieces: [PayloadPiece], from memory: MemoryRegistration, into tensor: DeviceTensor,
    by policy: TransferPolicy, closes: Bool
  ) throws(AcceleratorError) -> TransferTicket
  /// Whether all up to the ticket is done; it does not wait.
  func isDone(_ ticket: TransferTicket) throws(AcceleratorError) -> Bool
  /// When all up to the ticket was done, or at the latest was found to be; nil: it is not yet.
  func time(of ticket: TransferTicket) throws(AcceleratorError) -> Duration?
  /// Waits until all up to the ticket is done.
  func fence(_ ticket: TransferTicket) throws(AcceleratorError)

  /// Runs a model on a tensor, after the transfers up to the ticket.
  func run(
    _ model: AcceleratorModel, on tensor: DeviceTensor, after ticket: TransferTicket?
  ) throws(AcceleratorError) -> ModelRun
  /// The tensor's first bytes, when all transfers and computations until now are done.
  func copyBack(
    _ tensor: DeviceTensor, byteCount: Int
  ) throws(AcceleratorError) -> [UInt8]

  /// Ends what runs on the device by itself.
  func quiesce() throws(AcceleratorError)
  /// The device's clock, and how a simulated one is moved.
  var clock: Duration { get }
  func sleep(until time: Duration)
}

/// Packet memory that a device knows.
package struct MemoryRegistration: Hashable, Sendable {
  package let number: Int
  package let byteCount: Int
  package let isReadOnly: Bool
}

/// Memory of a device for one object.
package struct DeviceTensor: Hashable, Sendable {
  package let number: Int
  package let byteCount: Int
  /// As the device knows it.
  package let address: DeviceAddress
}

/// A place in the order of transfers.
package struct TransferTicket: Hashable, Sendable, Comparable {
  package let number: Int

  package static func < (one: Self, other: Self) -> Bool { one.number < other.number }
}
