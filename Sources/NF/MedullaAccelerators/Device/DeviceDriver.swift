import MedullaBase
import MedullaEngines

/// What a device is told, one call each: the level at which transfer policies are written once, for the CPU,
/// a simulated GPU and a real one.
///
/// Work on a stream is done in order, beside other streams and after the call has returned. What fails there
/// is thrown by a later call. Any number of threads may call.
package protocol DeviceDriver: AnyObject, Sendable {
  var description: DeviceDescription { get }
  /// The clock that its work is timed with.
  var now: Duration { get }

  /// Lets the device reach memory of the host; the memory must outlive the registration.
  ///
  /// - Returns: the address that the device knows it by.
  func register(
    _ memory: UnsafeRawBufferPointer, isReadOnly: Bool
  ) throws(AcceleratorError) -> DeviceAddress
  func unregister(_ memory: UnsafeRawBufferPointer) throws(AcceleratorError)

  func allocate(byteCount: Int) throws(AcceleratorError) -> DeviceAddress
  func free(_ address: DeviceAddress) throws(AcceleratorError)
  func allocatePinned(byteCount: Int) throws(AcceleratorError) -> PinnedMemory
  func freePinned(_ memory: PinnedMemory) throws(AcceleratorError)

  func makeStream() throws(AcceleratorError) -> DeviceStream

  /// One copy to the device. The source must stay until it is done.
  func copy(_ copy: DeviceCopy, on stream: DeviceStream) throws(AcceleratorError)
  /// Many copies by one call, in any order among themselves.
  ///
  /// - Throws: `unavailable` where the driver has no such call.
  func copyBatch(_ copies: [DeviceCopy], on stream: DeviceStream) throws(AcceleratorError)
  /// A copy from the device; it has been made when this returns, with all that was on the stream before.
  func copyBack(
    _ address: DeviceAddress, to memory: UnsafeMutableRawBufferPointer, on stream: DeviceStream
  ) throws(AcceleratorError)
  /// A copy by the calling processor, which costs what it costs.
  func copyOnHost(_ source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawPointer)

  func launch(_ launch: KernelLaunch, on stream: DeviceStream) throws(AcceleratorError)
  /// Work for a processor of the host, after what is on the stream and after `event`.
  ///
  /// - Parameter cost: what it takes on a device whose clock is simulated.
  func perform(
    on stream: DeviceStream, after event: DeviceEvent?, cost: Duration,
    _ work: @escaping DeviceWork
  ) throws(AcceleratorError) -> DeviceEvent

  /// A mark behind all that is on the stream now.
  func record(on stream: DeviceStream) throws(AcceleratorError) -> DeviceEvent
  func isComplete(_ event: DeviceEvent) throws(AcceleratorError) -> Bool
  func wait(for event: DeviceEvent) throws(AcceleratorError)
  /// What is put on the stream from now on waits for the event.
  func order(_ stream: DeviceStream, after event: DeviceEvent) throws(AcceleratorError)
  func discard(_ event: DeviceEvent)
  /// When the event is reached on a simulated clock; nil where only asking tells.
  func time(of event: DeviceEvent) -> Duration?

  /// Is told that a resident kernel has been given work.
  ///
  /// - Returns: when it will be done by this driver's clock; nil: the ring alone tells.
  func resident(gave pieces: Int, byteCount: Int) -> Duration?
  /// Lets a simulated clock reach a time; a real one needs nothing.
  func sleep(until time: Duration)

  /// Device memory as engines take it.
  func view(_ address: DeviceAddress, element: TensorElement, shape: [Int]) throws(AcceleratorError)
    -> TensorView
}

package typealias DeviceWork = @Sendable () throws(AcceleratorError) -> Void

package struct DeviceDescription: Equatable, Sendable {
  package var name: String
  /// Such as `CUDA 12.8`; empty where there is none.
  package var driver: String
  /// Such as `9.0`; empty where there is none.
  package var capability: String
  package var memoryBytes: Int
  package var processors: Int
  package var device: TensorDevice
  /// Whether one call can carry many copies; else why not.
  package var batchedCopyObstacle: AcceleratorError?

  package init(
    name: String, driver: String, capability: String, memoryBytes: Int, processors: Int,
    device: TensorDevice, batchedCopyObstacle: AcceleratorError? = nil
  ) {
    self.name = name
    self.driver = driver
    self.capability = capability
    self.memoryBytes = memoryBytes
    self.processors = processors
    self.device = device
    self.batchedCopyObstacle = batchedCopyObstacle
  }
}

/// By its number among its driver's streams.
package struct DeviceStream: Hashable, Sendable {
  package let number: Int
}

/// By its number among its driver's events.
package struct DeviceEvent: Hashable, Sendable {
  package let number: Int
}

/// Host memory to device memory.
package struct DeviceCopy: @unchecked Sendable {
  package let source: UnsafeRawPointer
  package let destination: DeviceAddress
  package let byteCount: Int

  package init(source: UnsafeRawPointer, destination: DeviceAddress, byteCount: Int) {
    self.source = source
    self.destination = destination
    self.byteCount = byteCount
  }
}
