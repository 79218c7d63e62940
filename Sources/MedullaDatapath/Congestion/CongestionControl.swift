import CCongestion
import Foundation
import MedullaKernel

/// TCP congestion control by a network: attach, update, roll back, detach.
///
/// All state is pinned in the kernel. A command that dies leaves flows running and the next command a true
/// picture; commands exclude each other by a lock.
public enum CongestionControl: InstanceCommands {
  /// Registers a new congestion control that any program can select by its name.
  @discardableResult
  public static func attach(
    name: String, snapshot: DatapathSnapshot, configuration: CongestionConfiguration = .init(),
    narrate: Narration = { _ in }
  ) throws -> CongestionStatus {
    let name = try InstanceName(name)
    try configuration.validate()
    return try Attachment(name: name).make(narrate: narrate) {
      guard !TCPSettings.availableCongestionControls.contains(name.congestion) else {
        throw DatapathError(
          .alreadyAttached, "TCP has a congestion control named \(name.congestion) already",
          remedy: "choose another name")
      }
      let object = try CongestionObject.load(
        snapshot, name: name, shared: .new(sampleBytes: configuration.sampleBytes))
      let control = try ControlBlock(object.loadedMap("medulla_control"))
      control.fill(snapshot, name: name)
      control.before = TCPSettings.defaultCongestionControl
      control.drainLimitNanoseconds = configuration.drainLimitNanoseconds
      control.measures = configuration.measures
      control.follows = !configuration.isConsistent
      control.sampleEvery = try Sampling.every(configuration.sampleEvery)
      try object.loadedMap("congestion_config").set(configuration.controller, at: 0)
      return object
    } snapshot: {
      snapshot
    } attach: { object in
      try object.attachStructOps(CongestionPins.structOpsName)
    }
  }

  /// Takes flows off an instance whose link is gone: each goes over to the default of before on its next ACK.
  ///
  /// A default that named it is set back.
  static func release(_ instance: AttachedInstance, narrate: Narration) throws {
    let name = instance.name
    let before = instance.generations.last?.control.before ?? ""
    if TCPSettings.defaultCongestionControl == name.congestion {
      if before.isEmpty {
        let plain = try TCPSettings.setPlainCongestionControl()
        narrate("set the default congestion control to \(plain): what it was before cannot be read")
      } else {
        try TCPSettings.setDefaultCongestionControl(before)
        narrate("set the default congestion control back to \(before)")
      }
    }
    // New flows must not find the name while running ones leave it.
    try? instance.link.detach()
    for generation in instance.generations where !before.isEmpty && before != name.congestion {
      generation.control.congestion = before
      generation.control.isRetired = true
    }
  }
}
