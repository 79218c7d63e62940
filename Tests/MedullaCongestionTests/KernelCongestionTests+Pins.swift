import DatapathCases
import Foundation
import MedullaBase
import MedullaCompile
import MedullaKernel
import Synchronization
import Testing

@testable import MedullaCongestion
@testable import MedullaDatapath

/// What is pinned: by attachments that were cut short, by other versions, and while others look.
extension KernelCongestionTests {
  @Test("what an interrupted attach leaves is removed by the next one")
  func debris() throws {
    let name = try InstanceName(KernelTestHost.name("l"))
    try BPFFileSystem.ensureMounted()
    try BPFFileSystem.makeDirectory(BPFFileSystem.root)
    let path = PinnedInstance.path(of: name)
    defer { try? Instance(name.text).detach() }
    try BPFFileSystem.makeDirectory(path)
    try BPFFileSystem.makeDirectory(path + "/generation-1")
    let snapshot = try KernelTestHost.policy(seed: 1).snapshot
    try Self.loaded(snapshot, name).map("medulla_slots").pin(
      at: path + "/generation-1/medulla_slots")
    #expect(try !FunctionList.all.statusOfAll().map(\.name).contains(name.text))
    var told: [String] = []
    try Instance(name.text).attach(CongestionControl(), snapshot) { told.append($0) }
    #expect(told.contains { $0.contains("interrupted") })
  }

  @Test("a directory is made while another process takes away the empty one above it")
  func emptiedMeanwhile() async throws {
    let parent = BPFFileSystem.path + "/" + KernelTestHost.name("lq")
    try BPFFileSystem.ensureMounted()
    defer { try? BPFFileSystem.removeTree(parent) }
    let over = Mutex(false)
    let remover = Thread {
      while !over.withLock({ $0 }) {
        rmdir(parent)
        usleep(50)
      }
    }
    remover.start()
    defer { over.withLock { $0 = true } }
    var again = 0
    for _ in 1...5_000 {
      if !BPFFileSystem.exists(parent) { again += 1 }
      try BPFFileSystem.makeDirectory(parent + "/generation-1")
      rmdir(parent + "/generation-1")
    }
    #expect(again > 0, "the one above was never gone")
  }

  @Test("a whole program set of another version is neither used nor removed, and can be detached")
  func foreignVersion() throws {
    let loopback = try SlowLoopback()
    let name = try InstanceName(KernelTestHost.name("o"))
    let snapshot = try KernelTestHost.policy(seed: 1).snapshot
    try Instance(name.text).attach(CongestionControl(), snapshot)
    defer { try? Instance(name.text).detach() }
    let path = PinnedInstance.generationPath(of: name, 1)
    let pinned = BPFFileSystem.contents(of: path)
    try Instance(name.text).pinned().current().control.version = 99
    for command in [
      { _ = try Instance(name.text).status() },
      { _ = try Instance(name.text).sweep() },
      { _ = try Instance(name.text).update(snapshot) },
    ] {
      let error = #expect(throws: DatapathError.self) { try command() }
      #expect(error?.code == .foreignVersion)
      #expect(error?.message.contains("interface 99") == true)
    }
    #expect(BPFFileSystem.contents(of: path) == pinned)
    // The default of a namespace of its own, so that this machine's stays as it is; what it was before is in
    // the instance's record, which no version changes.
    let before = TCPSettings.defaultCongestionControl
    let (told, restored) = try loopback.inside {
      try TCPSettings.setDefaultCongestionControl(name.congestion)
      var told: [String] = []
      try Instance(name.text).detach() { told.append($0) }
      return (told, TCPSettings.defaultCongestionControl)
    }
    #expect(told.contains { $0.contains("interface 99") })
    #expect(told.contains { $0.contains("back to \(before)") })
    #expect(restored == before)
    #expect(!BPFFileSystem.exists(PinnedInstance.path(of: name)))
    #expect(!TCPSettings.availableCongestionControls.contains(name.congestion))
  }

  @Test("an instance of a version that left no record is detached, and is nobody's default any more")
  func noRecord() throws {
    let loopback = try SlowLoopback()
    let name = try InstanceName(KernelTestHost.name("n"))
    try Instance(name.text).attach(CongestionControl(), KernelTestHost.policy(seed: 1).snapshot)
    defer { try? Instance(name.text).detach() }
    try BPFFileSystem.unpin(PinnedInstance.recordPath(of: name))
    #expect(throws: DatapathError.self) { try Instance(name.text).status() }
    let (told, left) = try loopback.inside {
      try TCPSettings.setDefaultCongestionControl(name.congestion)
      var told: [String] = []
      try Instance(name.text).detach() { told.append($0) }
      return (told, TCPSettings.defaultCongestionControl)
    }
    #expect(["cubic", "reno"].contains(left))
    #expect(told.contains { $0.contains("cannot be read") }, "\(told)")
    #expect(!TCPSettings.availableCongestionControls.contains(name.congestion))
  }

  @Test("a program set whose removal was cut short is removed by the next change, wherever it was cut")
  func halfRemoved() throws {
    try attached("h") { name in
      try Instance(name.text).update(KernelTestHost.policy(seed: 2, hidden: 20).snapshot)
      let path = PinnedInstance.generationPath(of: name, 1)
      // In the order of the removal: the main pin first, then the others.
      let others = BPFFileSystem.contents(of: path).filter { $0 != PinnedGeneration.mainPin }
      for cut in 0...others.count {
        if cut == 0 {
          try BPFFileSystem.unpin(path + "/" + PinnedGeneration.mainPin)
        } else {
          try BPFFileSystem.removeTree(path + "/" + others[cut - 1])
        }
        #expect(try Instance(name.text).status().generations.map(\.number) == [2], "after \(cut) more pins")
      }
      #expect(try Instance(name.text).sweep().generations.map(\.number) == [2])
      #expect(!BPFFileSystem.exists(path))
    }
  }

  @Test("a program set of which a pin is missing is removed by the next change, and only then")
  func incomplete() throws {
    try attached("p") { name in
      let path = PinnedInstance.generationPath(of: name, 2)
      try BPFFileSystem.makeDirectory(path)
      let set = try Self.loaded(KernelTestHost.policy(seed: 2).snapshot, name)
      for map in ["medulla_slots", "medulla_control", "medulla_flows", "medulla_counts"] {
        try set.map(map).pin(at: path + "/" + map)
      }
      #expect(try Instance(name.text).status().generations.map(\.number) == [1])
      #expect(BPFFileSystem.exists(path))
      #expect(try Instance(name.text).sweep().generations.map(\.number) == [1])
      #expect(!BPFFileSystem.exists(path))
    }
  }

  @Test("a status that was begun before its program set was removed is still given")
  func removedMeanwhile() throws {
    try attached("q") { name in
      let instance = try Instance(name.text).pinned()
      for _ in 0..<2 {
        try Instance(name.text).update(KernelTestHost.policy(seed: 2, hidden: 20).snapshot)
        try Instance(name.text).update(KernelTestHost.policy(seed: 3, hidden: 20).snapshot)
      }
      // A packet that was on its way may still come: a program set goes a second after it lost the name.
      Thread.sleep(forTimeInterval: 1.1)
      try Instance(name.text).sweep()
      #expect(!BPFFileSystem.exists(PinnedInstance.generationPath(of: name, 1)))
      let generation = try #require(instance.generations.first)
      #expect(try generation.main.facts().verifiedInstructions > 0)
      #expect(try CongestionControl.liveFlows(of: generation).isEmpty)
    }
  }

  @Test("a network of another size cannot be attached, and says why")
  func wrongSize() throws {
    let snapshot = try DatapathSnapshot(
      name: "small", inputs: 4, outputs: 1, image: [1], digest: [UInt8](repeating: 1, count: 32),
      shape: .header(""))
    let error = #expect(throws: DatapathError.self) {
      try Instance(KernelTestHost.name("m")).attach(CongestionControl(), snapshot)
    }
    #expect(error?.code == .wrongShape)
  }
}
