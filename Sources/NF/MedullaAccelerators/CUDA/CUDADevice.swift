import MedullaBase

/// One device of a CUDA driver, with its context and our kernels loaded.
struct CUDADevice: @unchecked Sendable {
  let library: CUDALibrary
  let ordinal: Int
  let number: Int32
  let context: OpaquePointer
  let functions: [DeviceKernel: OpaquePointer]
  let description: DeviceDescription
  /// Whether it can read what the host may only read.
  let readsReadOnly: Bool

  /// Of `cuDeviceGetAttribute`.
  enum Attribute: Int32 {
    case processors = 16
    case unifiedAddressing = 41
    case capabilityMajor = 75
    case capabilityMinor = 76
    case readOnlyHostRegister = 113
  }

  /// The kernels are made for it, and run on all that came later.
  static let leastCapability = (major: Int32(6), minor: Int32(0))

  /// - Throws: `unavailable` where there is no such device, or one that is too old.
  init(_ library: CUDALibrary, ordinal: Int) throws(AcceleratorError) {
    try library.check(library.initialize(0), "start the CUDA driver")
    var (version, count, number): (Int32, Int32, Int32) = (0, 0, 0)
    try library.check(library.driverVersion(&version), "ask for the driver's version")
    try library.check(library.deviceCount(&count), "count CUDA devices")
    guard version >= CUDALibrary.oldestDriver, ordinal >= 0, ordinal < count else {
      throw AcceleratorError(
        .unavailable, "there is no CUDA device \(ordinal)",
        cause: "\(count) devices, driver for CUDA \(Self.text(version))",
        remedy: "devices are counted from 0; the driver must be of CUDA 11 or later")
    }
    try library.check(library.device(&number, Int32(ordinal)), "find CUDA device \(ordinal)")
    let attribute = { (which: Attribute) throws(AcceleratorError) -> Int32 in
      var value: Int32 = 0
      try library.check(library.deviceAttribute(&value, which.rawValue, number), "ask what the device can")
      return value
    }
    let capability = (try attribute(.capabilityMajor), try attribute(.capabilityMinor))
    guard capability >= Self.leastCapability, try attribute(.unifiedAddressing) == 1 else {
      throw AcceleratorError(
        .unavailable, "CUDA device \(ordinal) is too old",
        cause: "compute capability \(capability.0).\(capability.1)", remedy: "6.0 or later is needed")
    }
    var context: OpaquePointer?
    try library.check(library.retainContext(&context, number), "open CUDA device \(ordinal)")
    guard let context else { throw AcceleratorError(.failed, "the driver gave no context") }
    try library.check(library.setContext(context), "use CUDA device \(ordinal)")
    self.library = library
    self.ordinal = ordinal
    self.number = number
    self.context = context
    functions = try Self.load(library)
    readsReadOnly = try attribute(.readOnlyHostRegister) == 1
    description = try Self.describe(
      library, number, ordinal: ordinal, version: version, capability: "\(capability.0).\(capability.1)",
      processors: Int(try attribute(.processors)))
  }

  private static func text(_ version: Int32) -> String { "\(version / 1_000).\(version % 1_000 / 10)" }

  private static func describe(
    _ library: CUDALibrary, _ number: Int32, ordinal: Int, version: Int32, capability: String, processors: Int
  ) throws(AcceleratorError) -> DeviceDescription {
    var name = [CChar](repeating: 0, count: 128)
    try library.check(library.deviceName(&name, Int32(name.count - 1), number), "ask for the device's name")
    var bytes = 0
    try library.check(library.deviceMemory(&bytes, number), "ask for the device's memory")
    let letters = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return DeviceDescription(
      name: String(decoding: letters, as: UTF8.self), driver: "CUDA \(text(version))", capability: capability,
      memoryBytes: bytes, processors: processors, device: .cuda(ordinal: ordinal),
      batchedCopyObstacle: library.copyBatch == nil
        ? AcceleratorError(
          .unavailable, "the driver has no batched copy call", cause: "it is of CUDA \(text(version))",
          remedy: "use a driver of CUDA 12.8 or later, or another transfer policy") : nil)
  }

  private static let logBytes = 8_192

  /// The driver compiles the text for its device.
  private static func load(_ library: CUDALibrary) throws(AcceleratorError) -> [DeviceKernel: OpaquePointer] {
    var module: OpaquePointer?
    var log = [CChar](repeating: 0, count: logBytes)
    // CU_JIT_ERROR_LOG_BUFFER and its size, as a number in the place of a pointer.
    var options: [Int32] = [5, 6]
    let result = log.withUnsafeMutableBufferPointer { log in
      var values = [
        UnsafeMutableRawPointer(log.baseAddress), UnsafeMutableRawPointer(bitPattern: log.count - 1),
      ]
      return DeviceKernel.text.withCString { library.loadModule(&module, $0, 2, &options, &values) }
    }
    if result != CUDALibrary.success {
      let error = library.error(result, "load the kernels")
      let letters = log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw AcceleratorError(
        error.code, error.message, cause: error.cause, remedy: error.remedy,
        log: String(decoding: letters, as: UTF8.self))
    }
    var functions: [DeviceKernel: OpaquePointer] = [:]
    for kernel in DeviceKernel.allCases {
      var function: OpaquePointer?
      try library.check(
        library.moduleFunction(&function, module, kernel.rawValue), "find the kernel \(kernel.rawValue)")
      // Asked for its registers, a kernel is loaded. By itself the driver does that at its first launch, and
      // waits there for what runs, such as a resident kernel.
      var registers: Int32 = 0
      try library.check(
        library.functionAttribute(&registers, 4, function), "load the kernel \(kernel.rawValue)")
      functions[kernel] = function
    }
    return functions
  }
}
