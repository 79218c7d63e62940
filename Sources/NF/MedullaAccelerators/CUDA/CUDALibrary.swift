import Glibc

/// The CUDA driver's library, opened at run time: no toolkit is needed to build, and no GPU to start.
///
/// Names with `_v2` are those that `cuda.h` puts in place of the plain ones.
final class CUDALibrary: @unchecked Sendable {
  typealias Result = Int32
  typealias Handle = OpaquePointer
  typealias Handles = UnsafeMutablePointer<OpaquePointer?>
  typealias Raw = UnsafeMutableRawPointer
  typealias Number = UnsafeMutablePointer<Int32>
  typealias Pointers = UnsafeMutablePointer<UnsafeMutableRawPointer?>
  typealias Addresses = UnsafeMutablePointer<UInt64>
  typealias Sizes = UnsafeMutablePointer<Int>

  let initialize: @convention(c) (UInt32) -> Result
  let driverVersion: @convention(c) (Number) -> Result
  let deviceCount: @convention(c) (Number) -> Result
  let device: @convention(c) (Number, Int32) -> Result
  let deviceName: @convention(c) (UnsafeMutablePointer<CChar>, Int32, Int32) -> Result
  let deviceMemory: @convention(c) (Sizes, Int32) -> Result
  let deviceAttribute: @convention(c) (Number, Int32, Int32) -> Result
  let retainContext: @convention(c) (Handles, Int32) -> Result
  let releaseContext: @convention(c) (Int32) -> Result
  let setContext: @convention(c) (Handle?) -> Result
  let registerHost: @convention(c) (Raw, Int, UInt32) -> Result
  let unregisterHost: @convention(c) (Raw) -> Result
  let hostDevicePointer: @convention(c) (Addresses, Raw, UInt32) -> Result
  let allocate: @convention(c) (Addresses, Int) -> Result
  let free: @convention(c) (UInt64) -> Result
  let allocateHost: @convention(c) (Pointers, Int, UInt32) -> Result
  let freeHost: @convention(c) (Raw) -> Result
  let createStream: @convention(c) (Handles, UInt32) -> Result
  let destroyStream: @convention(c) (Handle?) -> Result
  let synchronizeStream: @convention(c) (Handle?) -> Result
  let streamWaitEvent: @convention(c) (Handle?, Handle?, UInt32) -> Result
  let createEvent: @convention(c) (Handles, UInt32) -> Result
  let recordEvent: @convention(c) (Handle?, Handle?) -> Result
  let queryEvent: @convention(c) (Handle?) -> Result
  let synchronizeEvent: @convention(c) (Handle?) -> Result
  let destroyEvent: @convention(c) (Handle?) -> Result
  let copyToDevice: @convention(c) (UInt64, UnsafeRawPointer, Int, Handle?) -> Result
  let copyToHost: @convention(c) (Raw, UInt64, Int, Handle?) -> Result
  let loadModule:
    @convention(c) (Handles, UnsafeRawPointer, UInt32, UnsafeMutablePointer<Int32>?, Pointers?) -> Result
  let moduleFunction: @convention(c) (Handles, Handle?, UnsafePointer<CChar>) -> Result
  let functionAttribute: @convention(c) (Number, Int32, Handle?) -> Result
  let launch:
    @convention(c) (
      Handle?, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, Handle?, Pointers?, Pointers?
    ) -> Result
  let errorName: @convention(c) (Result, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Result
  let errorText: @convention(c) (Result, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Result
  /// The batched copy as CUDA 12.8 brought it (later versions have another one beside it, with one parameter
  /// less); nil: this driver is older. The raw pointer is to `CUDACopyAttributes`.
  let copyBatch:
    (
      @convention(c) (
        Addresses, Addresses, Sizes, Int, Raw, Sizes, Int, Sizes, Handle?
      ) -> Result
    )?
  private let handle: UnsafeMutableRawPointer

  static let standardPath = "libcuda.so.1"
  static let oldestDriver: Int32 = 11_000
  private static let batchedCopyVersion: Int32 = 12_080

  /// - Throws: `unavailable` where there is no such library, or one without a function that is needed.
  init(path: String = CUDALibrary.standardPath) throws(AcceleratorError) {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw AcceleratorError(
        .unavailable, "there is no CUDA driver", cause: dlerror().map { String(cString: $0) } ?? "",
        remedy: "install NVIDIA's driver; in a container, hand its libraries and devices in")
    }
    self.handle = handle
    let symbols = CUDASymbols(handle: handle, path: path)
    initialize = try symbols["cuInit"]
    driverVersion = try symbols["cuDriverGetVersion"]
    deviceCount = try symbols["cuDeviceGetCount"]
    device = try symbols["cuDeviceGet"]
    deviceName = try symbols["cuDeviceGetName"]
    deviceMemory = try symbols["cuDeviceTotalMem_v2"]
    deviceAttribute = try symbols["cuDeviceGetAttribute"]
    retainContext = try symbols["cuDevicePrimaryCtxRetain"]
    releaseContext = try symbols["cuDevicePrimaryCtxRelease_v2"]
    setContext = try symbols["cuCtxSetCurrent"]
    registerHost = try symbols["cuMemHostRegister_v2"]
    unregisterHost = try symbols["cuMemHostUnregister"]
    hostDevicePointer = try symbols["cuMemHostGetDevicePointer_v2"]
    allocate = try symbols["cuMemAlloc_v2"]
    free = try symbols["cuMemFree_v2"]
    allocateHost = try symbols["cuMemHostAlloc"]
    freeHost = try symbols["cuMemFreeHost"]
    createStream = try symbols["cuStreamCreate"]
    destroyStream = try symbols["cuStreamDestroy_v2"]
    synchronizeStream = try symbols["cuStreamSynchronize"]
    streamWaitEvent = try symbols["cuStreamWaitEvent"]
    createEvent = try symbols["cuEventCreate"]
    recordEvent = try symbols["cuEventRecord"]
    queryEvent = try symbols["cuEventQuery"]
    synchronizeEvent = try symbols["cuEventSynchronize"]
    destroyEvent = try symbols["cuEventDestroy_v2"]
    copyToDevice = try symbols["cuMemcpyHtoDAsync_v2"]
    copyToHost = try symbols["cuMemcpyDtoHAsync_v2"]
    loadModule = try symbols["cuModuleLoadDataEx"]
    moduleFunction = try symbols["cuModuleGetFunction"]
    functionAttribute = try symbols["cuFuncGetAttribute"]
    launch = try symbols["cuLaunchKernel"]
    errorName = try symbols["cuGetErrorName"]
    errorText = try symbols["cuGetErrorString"]
    copyBatch = symbols.versioned("cuMemcpyBatchAsync", Self.batchedCopyVersion)
  }

  deinit { dlclose(handle) }
}

/// `CUmemcpyAttributes`: the source is read when the stream comes to it.
struct CUDACopyAttributes {
  var sourceAccessOrder: Int32 = 1
  var sourceKind: Int32 = 0
  var sourceNumber: Int32 = 0
  var destinationKind: Int32 = 0
  var destinationNumber: Int32 = 0
  var flags: UInt32 = 0
}

private struct CUDASymbols {
  let handle: UnsafeMutableRawPointer
  let path: String

  /// The caller's type is the function's.
  subscript<Function>(name: String) -> Function {
    get throws(AcceleratorError) {
      guard let symbol = dlsym(handle, name) else {
        throw AcceleratorError(
          .unavailable, "the CUDA driver in \(path) has no \(name)", remedy: "install a newer driver")
      }
      return unsafeBitCast(symbol, to: Function.self)
    }
  }

  /// A function in the form that it had in one version, which later drivers keep; nil where there is none.
  func versioned<Function>(_ name: String, _ version: Int32) -> Function? {
    typealias Find =
      @convention(c) (
        UnsafePointer<CChar>, UnsafeMutablePointer<UnsafeMutableRawPointer?>, Int32, UInt64,
        UnsafeMutablePointer<Int32>
      ) -> Int32
    guard let symbol = dlsym(handle, "cuGetProcAddress_v2") else { return nil }
    let find = unsafeBitCast(symbol, to: Find.self)
    var found: UnsafeMutableRawPointer?
    var status: Int32 = 0
    guard find(name, &found, version, 0, &status) == 0, let found else { return nil }
    return unsafeBitCast(found, to: Function.self)
  }
}
