import CMedullaNF

/// Where a chain's frames come from and go to. Only the host's thread uses it, but for making it and for its
/// end.
///
/// A host's loop is made for one engine, so that nothing is looked up for each frame.
protocol PacketEngine: AnyObject {
  /// Whether frames that come back are told by the stamps before them.
  static var readsStamps: Bool { get }
  var memory: PacketMemory { get }
  /// Queues, or devices, that frames are received by.
  var receivers: Int { get }

  /// The host's thread begins, and ends.
  func begin()
  func end(_ ledger: inout FrameLedger)

  /// Receives, recycles and sends what there is; how much there was to do.
  func look(_ ledger: inout FrameLedger, _ functions: [HostedFunction]) -> Int
  /// Takes frames for one function that has no receive ring of its own, where the engine has rings for each.
  func receive(for function: HostedFunction) -> Int

  /// Whether a function had a frame that it gives back.
  func take(_ frame: Int, from function: HostedFunction, _ ledger: inout FrameLedger) -> Bool
  /// What was taken is free.
  func release(_ frame: Int, _ ledger: inout FrameLedger)
  /// What was taken goes out of an interface, or is free where that cannot be.
  func send(_ frame: Int, _ descriptor: nf_descriptor, by interface: Int, _ ledger: inout FrameLedger)
  /// A batch of a function's frames was taken.
  func settle(_ function: HostedFunction)
  /// Whether what a function holds of the engine is as it should be.
  func hasSoundRings(_ function: HostedFunction) -> Bool

  /// Makes what a function that comes receives by.
  func equip(_ function: HostedFunction) throws(NFError)
  /// From now on it gets frames.
  func open(_ function: HostedFunction) throws(NFError)
  /// No further frame goes to it.
  func close(_ function: HostedFunction)
  /// Counts what it was given and what never came.
  func countLost(_ function: HostedFunction)
  /// Takes back all that it had, once nothing is on its way to it any more; how many frames.
  func reclaim(from function: HostedFunction, _ ledger: inout FrameLedger) -> Int
  /// The chain ends while the function has frames.
  func abandon(_ function: HostedFunction)

  /// Frames that it was given otherwise than by the host's hand, and those of them that it still has.
  func delivered(to function: HostedFunction) -> UInt64
  func out(_ function: HostedFunction) -> Int
  func overQuota(_ function: HostedFunction) -> UInt64
  func absent(_ function: HostedFunction) -> UInt64

  /// Looks at what need not be looked at in every round.
  func housekeep(_ now: UInt64)
  /// Of the kernel's flows, whose classes rules ask for; nil: none does.
  var classifier: ChainReport.Classifier? { get }

  var counts: DemultiplexerCounts { get }
  func frames(_ ledger: FrameLedger) -> ChainReport.Frames
  var interfaces: [ChainReport.Interface] { get }
}

extension PacketEngine {
  func housekeep(_ now: UInt64) {}
  var classifier: ChainReport.Classifier? { nil }
}

/// Frames by what became of them at the rules.
struct DemultiplexerCounts {
  var delivered: UInt64 = 0
  var unmatched: UInt64 = 0
  var malformed: UInt64 = 0
  var notTaken: UInt64 = 0
  var unstamped: UInt64 = 0
}
