import MedullaKernel

/// A function of the user's own: its collector and enforcer in one `.bpf.c`, at a network interface.
///
/// Everything else is as with the congestion control: slots, samples, candidates, and state that is pinned.
public enum CustomFunction: InstanceCommands {
  /// What an operator sets for an instance.
  public struct Configuration: Sendable, Equatable {
    /// How long flows may stay on a snapshot that is no longer active; nil: as long as they live.
    public var drainLimit: Duration?
    /// Takes the time of each inference in the kernel; costs two clock reads.
    public var measures: Bool
    /// Every n-th decision of a flow goes up as a sample; 0: none.
    public var sampleEvery: Int
    /// Bytes of the ring that samples wait in.
    public var sampleBytes: Int
    /// Whether a flow keeps its snapshot for its life.
    public var isConsistent: Bool

    public init(
      drainLimit: Duration? = nil, measures: Bool = false, sampleEvery: Int = 0,
      sampleBytes: Int = SampleBuffer.defaultBytes, isConsistent: Bool = true
    ) {
      self.drainLimit = drainLimit
      self.measures = measures
      self.sampleEvery = sampleEvery
      self.sampleBytes = sampleBytes
      self.isConsistent = isConsistent
    }
  }

  /// Compiles a function for the snapshot's shape and attaches it.
  ///
  /// - Throws: `wrongShape` when the function registers other sizes than the snapshot has; `badFunction` with
  ///   what is wrong with the file or the hook; `KernelError` from the compiler and the verifier.
  @discardableResult
  public static func attach(
    name: String, snapshot: DatapathSnapshot, program: FunctionProgram, hook: FunctionHook,
    configuration: Configuration = .init(), narrate: Narration = { _ in }
  ) throws -> CongestionStatus {
    let name = try InstanceName(name)
    let interface = try hook.interfaceIndex()
    let sampleEvery = try Sampling.every(configuration.sampleEvery)
    let function = try program.registration(for: snapshot).name
    return try Attachment(name: name, function: function).make(narrate: narrate) {
      let (object, _) = try program.load(
        snapshot, hook: hook, shared: .new(sampleBytes: configuration.sampleBytes))
      let control = try ControlBlock(object.loadedMap("medulla_control"))
      control.fill(snapshot, name: name)
      control.congestion = ""
      control.hook = hook.description
      control.drainLimitNanoseconds = CongestionConfiguration.nanoseconds(configuration.drainLimit)
      control.measures = configuration.measures
      control.follows = !configuration.isConsistent
      control.sampleEvery = sampleEvery
      return object
    } snapshot: {
      snapshot
    } pin: { _ in
      try program.pin(with: name)
    } attach: { object in
      try BPFLink(attaching: object.loadedProgram(function), to: hook.kernelHook, interface: interface)
    }
  }
}
