import Foundation
import MedullaBase
import Testing

@testable import MedullaAccelerators
@testable import medulla_gpu_check

@Suite("The check of a GPU")
struct DeviceCheckTests {
  private func small(_ accelerator: DeviceAccelerator, isSimulated: Bool = false) -> DeviceCheck {
    var check = DeviceCheck(accelerator, isSimulated: isSimulated)
    check.sizes = [50_000, 150_528]
    check.rounds = 2
    check.frames = 256
    return check
  }

  @Test("a device that does what it must passes, with a row for each size and policy")
  func simulated() throws {
    let report = try small(.simulatedCUDA(kernels: .instructions, cost: .paper), isSimulated: true).run()
    #expect(report.failures.isEmpty, "\(report.failures)")
    #expect(report.transfers.count == 2 * TransferPolicy.allCases.count)
    #expect(report.transfers.allSatisfy { $0.medianMicroseconds > 0 && $0.missing.isEmpty })
    #expect(report.readsReadOnly && report.registeredBytes == 256 * 2_048)
    #expect(report.kernels.map(\.wrongValues) == [0, 0, 0])
    #expect(report.kernels.allSatisfy { $0.values > 0 })
    // 49 calls of 8 µs, and what the last copy takes.
    let each = try #require(report.transfers.first { $0.policy == .perPacket })
    #expect(each.callMicroseconds == 49 * 8)
    for line in ["simulated device", "per-packet", "resident-pull", "all bytes and values are right"] {
      #expect(report.text.contains(line))
    }
    let copy = try JSONDecoder().decode(DeviceCheckReport.self, from: JSONEncoder().encode(report))
    #expect(copy == report)
  }

  @Test(
    "a fake CUDA driver passes too, and an older one lacks one policy without failing",
    .enabled(if: FakeCUDA.isHere, "\(FakeCUDA.reason)"))
  func fake() throws {
    let report = try small(.cuda(library: FakeCUDA.library())).run()
    #expect(report.failures.isEmpty, "\(report.failures)")
    #expect(report.driver == "CUDA 12.8")
    let older = try small(
      .cuda(library: FakeCUDA.library(["FAKE_VERSION=12040", "FAKE_READ_ONLY=0"]))
    ).run()
    #expect(older.failures.isEmpty, "\(older.failures)")
    #expect(!older.readsReadOnly)
    #expect(older.transfers.filter { !$0.missing.isEmpty }.map(\.policy) == [.batchedCopy, .batchedCopy])
    #expect(older.text.contains("no batched copy call"))
  }

  @Test("what is wrong is told: a launch that fails, bytes and values that differ")
  func wrong() throws {
    var failures = SimulatedFailures()
    failures.failingLaunch = 3
    let report = try small(.simulatedCUDA(failures: failures)).run()
    #expect(report.failures.count == 1)
    #expect(report.failures.first?.contains("pull") == true)
    #expect(report.text.contains("wrong:"))
    var other = report
    other.transfers[0].wrongBytes = 3
    other.kernels[0].wrongValues = 4
    #expect(other.failures.contains { $0.contains("3 bytes are wrong") })
    #expect(other.failures.contains { $0.contains("4 values are wrong") })
  }

  static let readings: [(arguments: [String], reading: GPUCheckOptions.Reading)] = [
    ([], .options(GPUCheckOptions())),
    (["--help"], .help),
    (
      ["--json", "--simulated", "--device", "2", "--rounds", "5", "--library", "/a"],
      .options(
        GPUCheckOptions(isJSON: true, isSimulated: true, device: 2, rounds: 5, library: "/a"))
    ),
    (["--device"], .wrong("--device takes a number from 0 to 255")),
    (["--device", "-1"], .wrong("--device takes a number from 0 to 255")),
    (["--rounds", "0"], .wrong("--rounds takes a number from 1 to 1000")),
    (["--library"], .wrong("--library takes a path")),
    (["--fast"], .wrong("`--fast` is not understood")),
  ]

  @Test("options are read, and what is not understood is refused", arguments: readings)
  func options(arguments: [String], reading: GPUCheckOptions.Reading) {
    #expect(GPUCheckOptions.read(arguments) == reading)
  }
}
