import CMedullaNF
import Glibc
import MedullaBase

/// Frames of DPDK's devices: the host asks for them, finds their rule, and hands them on.
///
/// Functions are served as by the kernel's engine, with the same memory, rings and messages. The ledger
/// counts what a function has not as the engine's: the free frames are in DPDK's pool.
final class DPDKEngine: PacketEngine {
  /// The host has handed out all that a function has.
  static let readsStamps = false
  private static let batch = Int(NF_DPDK_BATCH)

  let memory: PacketMemory
  private let settings: ChainSettings
  private let library: DPDKLibrary
  private let table: nf_dpdk_table
  private let pool: OpaquePointer
  private let rules: [nf_rule]
  private let devices: [DPDKDevice]
  private let receiving: [DPDKDevice]
  private let senders: [DPDKDevice]
  private var ownsAll = false
  private var isAwaiting: Bool
  private var sequence: UInt64 = 0
  private(set) var counts = DemultiplexerCounts()
  private let received: UnsafeMutablePointer<nf_descriptor>
  private let chosen: UnsafeMutablePointer<UInt32>
  /// Frames on their way back to DPDK's pool.
  private let freed: UnsafeMutablePointer<UInt32>
  private var freedCount = 0

  var receivers: Int { receiving.count }

  /// - Parameters:
  ///   - settings: that were checked.
  ///   - dpdk: those of its engine.
  init(_ settings: ChainSettings, _ dpdk: DPDKSettings, _ library: DPDKLibrary) throws(NFError) {
    self.settings = settings
    self.library = library
    table = library.table.pointee
    rules = settings.ruleEntries
    isAwaiting = dpdk.awaitsFunctions
    let memory = try PacketMemory(settings)
    try library.start(
      dpdk.environment(
        frames: memory.frameCount, processor: try Self.processor(), prefix: "medulla-\(getpid())"))
    let pool = try Self.pool(memory, dpdk, library)
    self.memory = memory
    self.pool = pool
    memory.putStamps(before: Int(table.data_offset(pool)))
    do throws(NFError) {
      devices = try Self.devices(dpdk, library, pool)
    } catch {
      table.unmake(pool)
      throw error
    }
    let devices = devices
    receiving = devices.filter { $0.settings.interface == settings.interface }
    senders = ([settings.interface] + settings.outputs).compactMap { name in
      devices.first { $0.settings.interface == name }
    }
    received = .allocate(capacity: Self.batch)
    chosen = .allocate(capacity: Self.batch)
    freed = .allocate(capacity: Self.batch)
  }

  deinit {
    table.unmake(pool)
    received.deallocate()
    chosen.deallocate()
    freed.deallocate()
  }

  /// DPDK wants one for itself, though it works on the host's thread.
  private static func processor() throws(NFError) -> Int {
    let processor = nf_first_processor()
    guard processor >= 0 else { throw .system("read which processors this thread may use", processor) }
    return Int(processor)
  }

  private static func pool(
    _ memory: PacketMemory, _ dpdk: DPDKSettings, _ library: DPDKLibrary
  ) throws(NFError) -> OpaquePointer {
    var facts = nf_dpdk_memory(
      base: memory.base.assumingMemoryBound(to: UInt8.self), bytes: UInt64(memory.byteCount),
      frames: UInt32(memory.frameCount), frame_bytes: UInt32(memory.frameBytes),
      page_bytes: UInt32(memory.pageBytes), in_place: dpdk.isInPlace ? 1 : 0,
      alignment: UInt32(alignment))
    var made: OpaquePointer?
    let status = library.table.pointee.make(&facts, &made)
    guard status == 0, let made else {
      throw library.failed(
        "make DPDK's pool over \(memory.byteCount) bytes of packet memory", status,
        remedy:
          "fewer frames (memory.frames), or more of DPDK's own memory (dpdk.eal: [--no-huge, -m, MEGABYTES])")
    }
    return made
  }

  /// With DPDK's own headroom of 128 bytes payloads lie as in the kernel's frames.
  private static let alignment = PacketMemory.dataOffset - 128

  private static func devices(
    _ dpdk: DPDKSettings, _ library: DPDKLibrary, _ pool: OpaquePointer
  ) throws(NFError) -> [DPDKDevice] {
    var made: [DPDKDevice] = []
    for device in dpdk.devices {
      let number = library.table.pointee.add(pool, device.text)
      guard number >= 0 else {
        throw library.failed(
          "make the device \(device.text)", number,
          remedy: "its driver and options are DPDK's: https://doc.dpdk.org/guides/nics/ lists them")
      }
      made.append(DPDKDevice(device, UInt32(number)))
    }
    return made
  }

  // MARK: The host's thread

  func begin() {
    // A thread that cannot be known, because too many are, is served the slower way.
    _ = table.enter()
  }

  func end(_ ledger: inout FrameLedger) {
    for device in devices { flush(device, &ledger) }
    giveFreed()
    table.leave()
  }

  func look(_ ledger: inout FrameLedger, _ functions: [HostedFunction]) -> Int {
    if !ownsAll {
      ledger.giveAll()
      ownsAll = true
    }
    for device in devices where device.stagedCount > 0 { flush(device, &ledger) }
    if isAwaiting { isAwaiting = functions.contains { $0.starts == 0 } }
    guard !isAwaiting else { return 0 }
    var work = 0
    for (queue, device) in receiving.enumerated() { work &+= receive(device, queue, &ledger, functions) }
    if freedCount > 0 { giveFreed() }
    return work
  }

  private func receive(
    _ device: DPDKDevice, _ queue: Int, _ ledger: inout FrameLedger, _ functions: [HostedFunction]
  ) -> Int {
    let count = Int(table.receive(pool, device.number, received))
    guard count > 0 else { return 0 }
    let now = settings.knowsTime ? MonotonicClock.nanoseconds : 0
    nf_choose_rules(rules, UInt32(rules.count), memory.base, received, UInt32(count), chosen)
    for index in 0..<count {
      let frame = Int(truncatingIfNeeded: nf_place(received[index])) / memory.frameBytes
      guard let function = function(by: chosen[index], functions, &ledger) else {
        free(frame)
        continue
      }
      // A driver that gives a frame which it has not would give it again: it is never anybody's twice.
      guard ledger.receive(frame, by: function.number) else { continue }
      sequence &+= 1
      memory.write(
        nf_stamp(
          nanoseconds: now, sequence: sequence, seat: UInt32(function.number * Int(NF_QUEUES) + queue),
          epoch: function.epoch, rule: chosen[index], length: nf_length(received[index])),
        beforeFrame: frame)
      counts.delivered &+= 1
      function.handed &+= 1
      function.stage(received[index])
    }
    return count
  }

  /// Who gets a frame of a rule; nil: nobody, which is counted.
  @inline(__always)
  private func function(
    by rule: UInt32, _ functions: [HostedFunction], _ ledger: inout FrameLedger
  ) -> HostedFunction? {
    guard rule < UInt32(rules.count), rules[Int(rule)].function != NF_NO_FUNCTION else {
      if rule == NF_CUT_FRAME { counts.malformed &+= 1 } else { counts.unmatched &+= 1 }
      return nil
    }
    let function = functions[Int(rules[Int(rule)].function)]
    guard function.state == .present else {
      function.absent &+= 1
      counts.notTaken &+= 1
      return nil
    }
    guard ledger.heldCount(by: function.number) < function.settings.quota else {
      function.overQuota &+= 1
      counts.notTaken &+= 1
      return nil
    }
    return function
  }

  // MARK: Frames

  /// The engine does not sort frames by function before the rules are asked.
  @inline(__always)
  func receive(for function: HostedFunction) -> Int { 0 }

  @inline(__always)
  func take(_ frame: Int, from function: HostedFunction, _ ledger: inout FrameLedger) -> Bool {
    ledger.takeHeld(frame, from: function.number)
  }

  @inline(__always)
  func release(_ frame: Int, _ ledger: inout FrameLedger) {
    ledger.giveBack(frame)
    free(frame)
  }

  @inline(__always)
  private func free(_ frame: Int) {
    if freedCount == Self.batch { giveFreed() }
    freed[freedCount] = UInt32(truncatingIfNeeded: frame)
    freedCount += 1
  }

  private func giveFreed() {
    table.free(pool, freed, UInt32(freedCount))
    freedCount = 0
  }

  @inline(__always)
  func send(_ frame: Int, _ descriptor: nf_descriptor, by interface: Int, _ ledger: inout FrameLedger) {
    let device = senders[interface]
    guard nf_length(descriptor) >= UInt32(InterfaceQueue.leastBytes) else {
      device.refused &+= 1
      return release(frame, &ledger)
    }
    ledger.send(frame)
    if device.stagedCount == Self.batch { flush(device, &ledger) }
    device.staged[device.stagedCount] = descriptor
    device.stagedCount += 1
  }

  /// Hands over what is to be sent; what the device does not take is free.
  private func flush(_ device: DPDKDevice, _ ledger: inout FrameLedger) {
    let taken = table.send(pool, device.number, device.staged, UInt32(device.stagedCount))
    for index in 0..<device.stagedCount {
      let frame = Int(truncatingIfNeeded: nf_place(device.staged[index])) / memory.frameBytes
      ledger.giveBack(frame)
      guard taken >> UInt64(index) & 1 == 0 else { continue }
      device.refused &+= 1
      free(frame)
    }
    device.stagedCount = 0
  }

  @inline(__always)
  func settle(_ function: HostedFunction) {}
  @inline(__always)
  func hasSoundRings(_ function: HostedFunction) -> Bool { true }

  // MARK: Functions

  func equip(_ function: HostedFunction) throws(NFError) {}
  func open(_ function: HostedFunction) throws(NFError) {}
  func close(_ function: HostedFunction) {}
  func countLost(_ function: HostedFunction) {}
  func abandon(_ function: HostedFunction) {}

  func reclaim(from function: HostedFunction, _ ledger: inout FrameLedger) -> Int {
    let count = ledger.reclaimHeld(from: function.number) { free($0) }
    giveFreed()
    return count
  }

  // The ledger and the function have these: all frames are given by the host's hand.
  func delivered(to function: HostedFunction) -> UInt64 { 0 }
  func out(_ function: HostedFunction) -> Int { 0 }
  func overQuota(_ function: HostedFunction) -> UInt64 { 0 }
  func absent(_ function: HostedFunction) -> UInt64 { 0 }

  func frames(_ ledger: FrameLedger) -> ChainReport.Frames {
    let owned = ownsAll ? ledger.inKernel : ledger.frameCount
    let free = min(Int(table.available(pool)), owned)
    return ChainReport.Frames(
      total: ledger.frameCount, free: free, inKernel: owned - free, inSending: ledger.inSending,
      bytes: memory.byteCount, isHuge: memory.isHuge)
  }

  var interfaces: [ChainReport.Interface] {
    ([settings.interface] + settings.outputs).map { name in
      let own = devices.filter { $0.settings.interface == name }
      var report = ChainReport.Interface(
        name: name, queues: own.count, isZeroCopy: own.allSatisfy(\.isZeroCopy), sent: 0, refused: 0,
        lost: 0, isUp: true)
      for device in own {
        var counts = nf_dpdk_counts()
        // A driver that counts nothing has nothing to say.
        _ = table.counts(pool, device.number, &counts)
        report.sent += counts.sent
        report.refused += device.refused
        report.lost = (report.lost ?? 0) + counts.lost + counts.long_
        if counts.is_up == 0 { report.isUp = false }
      }
      return report
    }
  }
}
