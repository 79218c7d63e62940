import CMedullaFabric
import Foundation
import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Synchronization
import Testing

@Suite(
  "A network in the kernel's switches", .serialized, .enabled(if: TestFabric.isUsable, TestFabric.reason))
struct KernelFabricTests {
  private static let seed: UInt64 = 41

  private static func images(seed: UInt64 = seed) throws -> (snapshot: Snapshot, inputs: [[Int64]]) {
    var random = SeededGenerator(seed: seed)
    let network = try ImageNetwork.small.network(using: &random)
    let samples = ImageNetwork.images(40, using: &random)
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
      network, Calibration(samples: samples))
    return (snapshot, samples.map { snapshot.shape.fixedPoint($0) })
  }

  @Test(
    "images through eight leaves give the reference's bits, one at a time and eight at once",
    arguments: FabricDatapath.allCases)
  func images(datapath: FabricDatapath) throws {
    let (snapshot, inputs) = try Self.images()
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 8, spines: 4, processors: 1), datapath: datapath)
    let client = try FabricClient(fabric.names)
    let reference = ReferenceInterpreter(snapshot)
    let expected = inputs.map { reference.run(features: $0) }
    for window in [1, 8] {
      #expect(try client.infer(inputs, window: window).map(\.outputs) == expected, "window \(window)")
    }
  }

  @Test(
    "however many cells a layer sets free at once, all of them arrive",
    arguments: [1, 2, 9, 16, 17, 33, 48, 63])
  func bursts(cells: Int) throws {
    let (snapshot, inputs) = try DenseNetwork.quantized([16, 16 * cells], samples: 8, seed: Self.seed)
    // 16 outputs of 8 bytes fill a cell.
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 1, spines: 1, processors: 1), cells: CellFormat(payloadBytes: 128))
    let client = try FabricClient(fabric.names)
    let reference = ReferenceInterpreter(snapshot)
    // Where the other end is not woken, the client asks until it gives up.
    #expect(try client.infer(inputs).map(\.outputs) == inputs.map { reference.run(features: $0) })
  }

  @Test("whatever address a client sends from, a layer's cells reach the next one on the same switch")
  func addresses() throws {
    let (snapshot, inputs) = try DenseNetwork.quantized([16, 8, 4], samples: 8, seed: Self.seed)
    let fabric = try TestFabric(snapshot, on: .spineLeaf(leaves: 1, spines: 1, processors: 1))
    let client = try FabricClient(fabric.names)
    client.disturbance = { frames in
      for number in frames.indices { frames[number][11] = 0xff }
    }
    let reference = ReferenceInterpreter(snapshot)
    #expect(try client.infer(inputs).map(\.outputs) == inputs.map { reference.run(features: $0) })
  }

  @Test(
    "lost cells are asked for until they come, and no answer is wrong", arguments: FabricDatapath.allCases)
  func loss(datapath: FabricDatapath) throws {
    let (snapshot, inputs) = try Self.images()
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 4, spines: 2, processors: 1), datapath: datapath)
    fabric.running.lose(millionths: 50_000)
    let client = try FabricClient(fabric.names)
    let reference = ReferenceInterpreter(snapshot)
    let results = try client.infer(inputs + inputs, window: 4)
    #expect(results.map(\.outputs) == (inputs + inputs).map { reference.run(features: $0) })
    #expect(results.contains { $0.attempts > 1 } && client.counts.asked > 0)
  }

  @Test(
    "another version of a network takes over while inferences run: each is of one version, and none is lost",
    arguments: FabricDatapath.allCases)
  func swap(datapath: FabricDatapath) throws {
    let (snapshot, inputs) = try Self.images(seed: Self.seed)
    let (other, _) = try Self.images(seed: Self.seed + 1)
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 4, spines: 2, processors: 1), datapath: datapath)
    let versions = [snapshot, other]
    let folders = try versions.map { try fabric.folder(of: $0) }
    let expected = versions.map { version in
      let reference = ReferenceInterpreter(version)
      return inputs.map { reference.run(features: $0) }
    }
    let names = fabric.names
    let isDone = Mutex(false)
    let results = Mutex<[FabricResult]>([])
    let client = Thread {
      do {
        let client = try FabricClient(names)
        while !isDone.withLock({ $0 }) {
          let some = try client.infer(inputs, window: 4)
          results.withLock { $0 += some }
        }
      } catch {
        Issue.record(error)
      }
    }
    let ended = client.startCounting()
    let free = fabric.freeBytes
    for turn in 1...5 {
      Thread.sleep(forTimeInterval: 0.2)
      try fabric.running.update(folders[turn % 2], drain: .milliseconds(turn.isMultiple(of: 2) ? 300 : 0))
    }
    isDone.withLock { $0 = true }
    ended.wait()
    let all = results.withLock { $0 }
    for (number, result) in all.enumerated() {
      #expect(result.outputs == expected[result.epoch % 2][number % inputs.count], "inference \(number)")
    }
    #expect(Set(all.map(\.epoch)).count == 6 && all.count >= inputs.count)
    #expect(fabric.freeBytes == free)
  }

  @Test(
    "layers that share a switch in user space hand each other cells, and a client of any address is served")
  func userspaceLayers() throws {
    let (snapshot, inputs) = try DenseNetwork.quantized([300, 200, 20, 4], samples: 8, seed: Self.seed)
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 1, spines: 1, processors: 1), cells: CellFormat(payloadBytes: 128),
      datapath: .userspace)
    let client = try FabricClient(fabric.names)
    client.disturbance = { frames in
      for number in frames.indices { frames[number][11] = 0xff }
      frames = (frames + frames).shuffled()
    }
    let reference = ReferenceInterpreter(snapshot)
    #expect(try client.infer(inputs, window: 4).map(\.outputs) == inputs.map { reference.run(features: $0) })
    let node = try #require(FabricStatus(fabric.names).switches.first { $0.own > 0 })
    #expect(node.stages.count == 3 && node.stages.allSatisfy { $0.refused == 0 && $0.broken == 0 })
  }

  @Test("where the process of switches in user space has ended, a client is told so, and nothing stays")
  func ended() throws {
    let (snapshot, inputs) = try DenseNetwork.quantized([16, 8, 4], samples: 2, seed: Self.seed)
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 1, spines: 1, processors: 1), datapath: .userspace)
    #expect(try FabricClient(fabric.names).infer(inputs).count == 2)
    fabric.running.stopServing()
    let error = #expect(throws: FabricError.self) { try FabricClient(fabric.names) }
    #expect(error?.code == .notRunning && error?.message.contains("has ended") == true)
    try RunningFabric.down(fabric.names)
    #expect(!FileManager.default.fileExists(atPath: FabricNames.memoryFolder + "/" + fabric.names.fabric))
    fabric.isDown = true
  }

  @Test("a network that only moves keeps its weights and its description where they are")
  func move() throws {
    let (snapshot, inputs) = try Self.images(seed: Self.seed)
    let fabric = try TestFabric(snapshot, on: .spineLeaf(leaves: 4, spines: 2, processors: 1))
    let client = try FabricClient(fabric.names)
    let expected = inputs.map { ReferenceInterpreter(snapshot).run(features: $0) }
    #expect(try client.infer(inputs, window: 2).map(\.outputs) == expected)
    let (before, free) = (fabric.running.state, fabric.freeBytes)
    let description = try fabric.descriptionFile()
    try fabric.running.update(fabric.folder(of: snapshot), drain: .zero)
    let after = fabric.running.state
    #expect(before.tasks.map(\.constants) == after.tasks.map(\.constants))
    #expect(Set(before.tasks.map(\.address)).isDisjoint(with: after.tasks.map(\.address)))
    #expect(try fabric.descriptionFile() == description && fabric.freeBytes == free)
    let results = try client.infer(inputs, window: 2)
    #expect(results.map(\.outputs) == expected && results.allSatisfy { $0.epoch == 1 })
    // Another version has everything anew.
    try fabric.running.update(fabric.folder(of: Self.images(seed: Self.seed + 1).0), drain: .zero)
    #expect(before.tasks.map(\.constants) != fabric.running.state.tasks.map(\.constants))
    #expect(try fabric.descriptionFile() != description && fabric.freeBytes == free)
  }

  @Test(
    "a switch that dies is found out, its layers move, and no answer is wrong",
    arguments: FabricDatapath.allCases)
  func failover(datapath: FabricDatapath) throws {
    let (snapshot, inputs) = try Self.images(seed: Self.seed)
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 8, spines: 4, processors: 1),
      constraints: {
        var one = PlacementConstraints()
        one.mostStages = 1
        return one
      }(), datapath: datapath)
    let watch = TestWatch(fabric.names)
    defer { watch.end() }
    let client = try FabricClient(fabric.names)
    let reference = ReferenceInterpreter(snapshot)
    let expected = inputs.map { reference.run(features: $0) }
    for victim in ["leaf2", "spine2", "leaf4"] {
      fabric.running.setDown(victim, true)
      #expect(try client.infer(inputs, window: 2).map(\.outputs) == expected, "without \(victim)")
    }
    let all = watch.events
    #expect(!all.isEmpty && all.allSatisfy { $0.failure.isEmpty }, "\(all)")
  }
}

extension KernelFabricTests {
  @Test(
    "what a process that was killed has left of a network, the next one takes away",
    arguments: FabricDatapath.allCases)
  func abandoned(datapath: FabricDatapath) throws {
    let (snapshot, inputs) = try DenseNetwork.quantized([16, 8, 4], samples: 8, seed: Self.seed)
    let fabric = try TestFabric(
      snapshot, on: .spineLeaf(leaves: 1, spines: 1, processors: 1), datapath: datapath)
    let (folder, free) = (try fabric.folder(of: snapshot), fabric.freeBytes)
    fabric.running.overdue = .milliseconds(50)
    // It never comes to refuse and to forget what was there.
    _ = try fabric.running.advance(folder)
    let other = try RunningFabric.open(fabric.names)
    #expect(throws: FabricError.self) { try other.advance(folder, from: 0) }
    // Who comes then refuses it, and takes it away with what it leaves itself.
    Thread.sleep(forTimeInterval: 0.4)
    for _ in 0..<Int(FABRIC_EPOCHS) + 1 { try other.update(folder, drain: .zero) }
    let results = try FabricClient(fabric.names).infer(inputs)
    let reference = ReferenceInterpreter(snapshot)
    #expect(results.map(\.outputs) == inputs.map { reference.run(features: $0) })
    #expect(results.allSatisfy { $0.epoch == Int(FABRIC_EPOCHS) + 2 })
    #expect(other.switches.values.reduce(0) { $0 + $1.memory.freeBytes } == free)
  }

  @Test("a network that is replaced while a watch runs moves as what it is then")
  func watchedUpdate() throws {
    let (first, inputs) = try Self.images(seed: Self.seed)
    let (second, _) = try Self.images(seed: Self.seed + 1)
    let fabric = try TestFabric(first, on: .spineLeaf(leaves: 8, spines: 4, processors: 1))
    let watch = TestWatch(fabric.names)
    defer { watch.end() }
    let client = try FabricClient(fabric.names)
    let free = fabric.freeBytes
    for (turn, version) in [second, first].enumerated() {
      try fabric.running.update(fabric.folder(of: version), drain: .zero)
      let expected = inputs.map { ReferenceInterpreter(version).run(features: $0) }
      #expect(try client.infer(inputs, window: 2).map(\.outputs) == expected, "turn \(turn)")
      let node = try #require(fabric.running.state.tasks.first { $0.node != "leaf1" }?.node)
      fabric.running.setDown(node, true)
      let results = try client.infer(inputs, window: 2)
      #expect(results.map(\.outputs) == expected, "turn \(turn), without \(node)")
      #expect(results.last?.epoch == 2 * turn + 2)
      fabric.running.setDown(node, false)
    }
    let all = watch.events
    #expect(all.map(\.epoch) == [2, 4] && all.allSatisfy { $0.failure.isEmpty }, "\(all)")
    watch.end()
    // Whoever changes it next knows what the watch has taken and given back.
    try fabric.running.update(fabric.folder(of: second), drain: .zero)
    #expect(fabric.freeBytes == free)
  }
}

extension Thread {
  /// Starts the thread, and gives what is signalled at its end.
  fileprivate func startCounting() -> ThreadEnd {
    let end = ThreadEnd(self)
    start()
    return end
  }
}

private struct ThreadEnd {
  private let thread: Thread

  init(_ thread: Thread) { self.thread = thread }

  func wait() {
    while !thread.isFinished { usleep(1_000) }
  }
}
