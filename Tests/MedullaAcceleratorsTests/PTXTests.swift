import Foundation
import MedullaBase
import Testing

@testable import MedullaAccelerators

@Suite("The kernels' PTX")
struct PTXTests {
  @Test("the text that is carried reads as all kernels, for devices from capability 6.0 on")
  func text() throws {
    let module = try PTXModule(DeviceKernel.text)
    #expect(Set(module.kernels.keys) == Set(DeviceKernel.allCases.map(\.rawValue)))
    #expect(module.target == "sm_60")
    #expect(module.version == "6.0")
  }

  @Test(
    "the text is what its source becomes",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/clang-14"), "no clang-14 here"))
  func source() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [
      FakeCUDA.root.appendingPathComponent("scripts/accelerator-kernels.sh").path, "--check",
    ]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "make it anew: scripts/accelerator-kernels.sh")
  }

  /// Pieces into memory of a simulated device by one way of running the kernel.
  private func gather(
    _ kernels: SimulatedCUDA.Kernels, _ memory: PacketMemory, _ pieces: [(Int, Int, Int)], bytes: Int,
    blocks: Int, threads: Int
  ) throws -> [UInt8] {
    let driver = try SimulatedCUDA(kernels: kernels)
    let source = try driver.register(memory.readable, isReadOnly: true)
    let target = try driver.allocate(byteCount: bytes)
    let list = try driver.allocatePinned(byteCount: max(pieces.count, 1) * DevicePiece.byteCount)
    for (index, (from, to, length)) in pieces.enumerated() {
      list.pointer.storeBytes(
        of: DevicePiece(
          source: source.advanced(by: from), destination: target.advanced(by: to), length: length),
        toByteOffset: index * DevicePiece.byteCount, as: DevicePiece.self)
    }
    let stream = try driver.makeStream()
    try driver.launch(
      KernelLaunch(
        .gather, blocks: blocks, threads: threads, [.address(list.address), .word(UInt32(pieces.count))]),
      on: stream)
    var given = [UInt8](repeating: 0, count: bytes)
    try given.withUnsafeMutableBytes { try driver.copyBack(target, to: $0, on: stream) }
    return given
  }

  @Test("the gather kernel moves the same bytes as its form in Swift, for any length and alignment")
  func gather() throws {
    let seed: UInt64 = 1_321
    var generator = SeededGenerator(seed: seed)
    let memory = PacketMemory(frames: 32, seed: seed)
    for round in 0..<60 {
      let count = Int.random(in: 0...40, using: &generator)
      let pieces = (0..<count).map { index in
        let to = index * 600 + Int.random(in: 0..<32, using: &generator)
        // Ends that agree within 16 bytes, and ends that do not.
        let from =
          Int.random(in: 0..<1_000, using: &generator) * 16
          + (generator.chance(0.5) ? to % 16 : Int.random(in: 0..<16, using: &generator))
        return (from, to, Int.random(in: 0...(generator.chance(0.3) ? 40 : 560), using: &generator))
      }
      let (blocks, threads) = (
        Int.random(in: 1...5, using: &generator), 32 * Int.random(in: 1...4, using: &generator)
      )
      let one = try gather(
        .instructions, memory, pieces, bytes: 24_700, blocks: blocks, threads: threads)
      let other = try gather(.swift, memory, pieces, bytes: 24_700, blocks: blocks, threads: threads)
      #expect(one == other, "round \(round), seed \(seed), \(blocks) blocks of \(threads)")
      for (from, to, length) in pieces {
        let wanted = Array(memory.bytes[from..<from + length])
        #expect(Array(one[to..<to + length]) == wanted, "seed \(seed)")
      }
    }
  }

  @Test("8-bit values become the same floats, each product and sum rounded by itself")
  func floats() throws {
    let seed: UInt64 = 1_322
    var generator = SeededGenerator(seed: seed)
    let memory = PacketMemory(frames: 4, seed: seed)
    for count in [1, 31, 256, 1_000, 8_192] {
      let scale = Float(generator.uniform(-2...2))
      let bias = Float(generator.uniform(-300...300))
      let results = try [SimulatedCUDA.Kernels.instructions, .swift].map { kernels in
        let driver = try SimulatedCUDA(kernels: kernels)
        let source = try driver.register(memory.readable, isReadOnly: true)
        let target = try driver.allocate(byteCount: count * 4)
        let stream = try driver.makeStream()
        try driver.launch(
          KernelLaunch(
            .bytesToFloat, blocks: 3, threads: 64,
            [.address(source), .address(target), .word(UInt32(count)), .float(scale), .float(bias)]),
          on: stream)
        var given = [Float](repeating: 0, count: count)
        try given.withUnsafeMutableBytes { try driver.copyBack(target, to: $0, on: stream) }
        return given
      }
      #expect(results[0].map(\.bitPattern) == results[1].map(\.bitPattern), "seed \(seed)")
      let expected = (0..<count).map { Float(memory.bytes[$0]) * scale + bias }
      #expect(results[0] == expected, "seed \(seed)")
    }
  }

  static let head = ".version 6.0\n.target sm_60\n.address_size 64\n"
  static func kernel(_ body: String) -> String {
    head + ".visible .entry test(\n\t.param .u64 test_param_0\n)\n{\n" + body + "\n}\n"
  }

  static let refusedTexts: [(text: String, words: String)] = [
    (kernel("\tfoo.b32 %r1, %r2;"), "line 8"),
    (kernel("\tbra \tNOWHERE;"), "NOWHERE"),
    (kernel("\tadd.s32 %r1, %r2;"), "line 8"),
    (kernel("\tadd.s32 %r1, %r2, %x3;"), "line 8"),
    (kernel("\tadd.f64 %fd1, %fd2, %fd3;"), "line 8"),
    (kernel("\tld.global.u32 %r1, %rd1;"), "line 8"),
    (kernel("\tld.param.u64 %rd1, [other];"), "line 8"),
    (kernel("\tst.global.u32 [%rd1+x], %r1;"), "line 8"),
    (kernel("\tret"), "line 8"),
    (head + "nonsense\n", "line 4"),
    (head + ".visible .entry test(\n)\n{\n", "no end"),
  ]

  @Test("an instruction that is not known is refused with its line", arguments: refusedTexts)
  func refused(text: String, words: String) {
    let error = #expect(throws: AcceleratorError.self) { try PTXModule(text) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  /// What a body leaves in 32 words for each lane at most.
  private func run(_ body: String, threads: Int = 32, words: Int = 32) throws -> [UInt64] {
    let module = try PTXModule(Self.kernel(body))
    let kernel = try #require(module.kernels["test"])
    let memory = SimulatedMemory(limit: 1 << 20)
    let region = try memory.allocate(words * 8, .device)
    var device = SimulatedKernelMemory(memory.regions)
    var execution = PTXExecution(
      kernel, KernelLaunch(.gather, blocks: 1, threads: threads, [.address(DeviceAddress(region.base))]))
    execution.instructionLimit = 100_000
    try execution.run(memory: &device)
    return (0..<words).map { region.pointer.load(fromByteOffset: $0 * 8, as: UInt64.self) }
  }

  /// Stores `%rd9` of each lane into its word.
  static let store = """
    \tld.param.u64 %rd1, [test_param_0];
    \tmov.u32 %r1, %tid.x;
    \tmul.wide.u32 %rd2, %r1, 8;
    \tadd.s64 %rd3, %rd1, %rd2;
    \tst.global.u64 [%rd3], %rd9;
    \tret;
    """

  @Test("lanes that part meet again: each counts to its own number, then all shuffle")
  func divergence() throws {
    let body = """
      \tmov.u32 %r5, %tid.x;
      \tmov.u64 %rd9, 0;
      LOOP:
      \tsetp.eq.s32 %p1, %r5, 0;
      \t@%p1 bra OUT;
      \tadd.s64 %rd9, %rd9, 3;
      \tadd.s32 %r5, %r5, -1;
      \tbra.uni LOOP;
      OUT:
      \tcvt.u32.u64 %r6, %rd9;
      \tshfl.sync.idx.b32 %r7, %r6, 31, 31, -1;
      \tcvt.u64.u32 %rd8, %r7;
      \tshl.b64 %rd8, %rd8, 32;
      \tor.b64 %rd9, %rd9, %rd8;
      """
    let words = try run(body + "\n" + Self.store)
    #expect(words == (0..<32).map { UInt64($0 * 3) | 93 << 32 })
  }

  static let sums: [(body: String, result: Int64)] = [
    ("mov.u64 %rd7, -7;\n\tdiv.s64 %rd9, %rd7, 2;", -3),
    ("mov.u64 %rd7, -7;\n\trem.s64 %rd9, %rd7, 2;", -1),
    ("mov.u64 %rd7, -7;\n\tshr.s64 %rd9, %rd7, 1;", -4),
    ("mov.u64 %rd7, -7;\n\tshr.u64 %rd9, %rd7, 60;", 15),
    ("mov.u64 %rd7, -7;\n\tshr.s64 %rd9, %rd7, 99;", -1),
    ("mov.u64 %rd7, -7;\n\tshl.b64 %rd9, %rd7, 64;", 0),
    ("mov.u32 %r7, -7;\n\tmul.wide.s32 %rd9, %r7, 3;", -21),
    ("mov.u32 %r7, -7;\n\tmul.wide.u32 %rd9, %r7, 2;", 0x1_FFFF_FFF2),
    ("mov.u32 %r7, -7;\n\tcvt.s64.s32 %rd9, %r7;", -7),
    ("mov.u32 %r7, -7;\n\tcvt.u64.u32 %rd9, %r7;", 0xFFFF_FFF9),
    ("mov.u32 %r7, 5;\n\tmad.lo.s32 %r8, %r7, -3, 1;\n\tcvt.s64.s32 %rd9, %r8;", -14),
    ("mov.u64 %rd7, -7;\n\tmin.s64 %rd9, %rd7, 2;", -7),
    ("mov.u64 %rd7, -7;\n\tmax.s64 %rd9, %rd7, 2;", 2),
    ("mov.u32 %r7, -7;\n\tmin.u32 %r8, %r7, 2;\n\tcvt.u64.u32 %rd9, %r8;", 2),
    ("mov.u64 %rd7, -7;\n\tsetp.lt.u64 %p1, %rd7, 2;\n\tselp.b64 %rd9, 10, 20, %p1;", 20),
    ("mov.u64 %rd7, -7;\n\tsetp.lt.s64 %p1, %rd7, 2;\n\tselp.b64 %rd9, 10, 20, %p1;", 10),
    ("mov.u32 %r7, 9;\n\tdiv.u32 %r8, %r7, 0;\n\tcvt.u64.u32 %rd9, %r8;", 0xFFFF_FFFF),
    ("mov.u32 %r7, 9;\n\tneg.s32 %r8, %r7;\n\tcvt.s64.s32 %rd9, %r8;", -9),
    ("mov.u32 %r7, 9;\n\tsetp.ne.s32 %p1, %r7, 9;\n\tnot.pred %p2, %p1;\n\tselp.b64 %rd9, 1, 2, %p2;", 1),
  ]

  @Test("arithmetic is that of the device: signs, widths, shifts beyond the width", arguments: sums)
  func arithmetic(body: String, result: Int64) throws {
    let words = try run("\t" + body + "\n" + Self.store)
    #expect(words.allSatisfy { Int64(bitPattern: $0) == result }, "\(Int64(bitPattern: words[0]))")
  }

  @Test("a block's barrier waits for all its warps")
  func barrier() throws {
    // Thread 0 of the last warp writes; all read after the barrier.
    let body = """
      \tld.param.u64 %rd1, [test_param_0];
      \tmov.u32 %r1, %tid.x;
      \tsetp.ne.s32 %p1, %r1, 96;
      \t@%p1 bra WAIT;
      \tmov.u64 %rd4, 77;
      \tst.global.u64 [%rd1+1024], %rd4;
      WAIT:
      \tbar.sync 0;
      \tld.global.u64 %rd9, [%rd1+1024];
      """
    let words = try run(body + "\n" + Self.store, threads: 128, words: 129)
    #expect(words.allSatisfy { $0 == 77 })
  }

  static let faultyBodies: [(body: String, words: String)] = [
    ("ld.param.u64 %rd1, [test_param_0];\n\tld.global.u64 %rd2, [%rd1+256];", "illegal address"),
    ("ld.param.u64 %rd1, [test_param_0];\n\tld.global.u64 %rd2, [%rd1+4];", "misaligned"),
    ("mov.u64 %rd1, 0;\n\tst.global.u64 [%rd1], %rd1;", "illegal address"),
    ("L:\n\tbra.uni L;", "did not end"),
    (
      "mov.u32 %r1, %tid.x;\n\tsetp.eq.s32 %p1, %r1, 3;\n\t@%p1 bra B;\n"
        + "\tbar.warp.sync -1;\nB:\n\tbar.sync 0;",
      "wait for others"
    ),
  ]

  @Test("a fault is an error with the line of the text", arguments: faultyBodies)
  func faults(body: String, words: String) {
    let error = #expect(throws: AcceleratorError.self) { try run("\t" + body + "\n\tret;") }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }
}
