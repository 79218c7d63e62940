import Foundation
import Testing

@testable import TestbedLink
@testable import TestbedNF

@Suite("Images and labels of a data set")
struct ImageSetTests {
  /// A set of so many images, each filled with its own label.
  private static func make(_ count: Int, in scratch: ScratchDirectory, labels: Int? = nil) throws -> ImageSet
  {
    func write(_ bytes: [UInt8], _ name: String) throws {
      let plain = scratch.path(name)
      try Data(bytes).write(to: URL(fileURLWithPath: plain))
      try ChildProcess.run(["gzip", "-f", plain])
    }
    let pixels = (0..<count).flatMap { [UInt8](repeating: UInt8($0 % 10), count: ImageSet.imageBytes) }
    try write([UInt8](repeating: 0, count: 16) + pixels, "train-images-idx3-ubyte")
    try write(
      [UInt8](repeating: 0, count: 8) + (0..<(labels ?? count)).map { UInt8($0 % 10) },
      "train-labels-idx1-ubyte")
    return try ImageSet(.training, in: (scratch.path("x") as NSString).deletingLastPathComponent)
  }

  @Test("a batch has its images, then their labels, in an order that the seed draws")
  func batches() throws {
    let set = try Self.make(35, in: ScratchDirectory("images"))
    #expect(set.count == 35)
    for labelBytes in [1, 8] {
      let batches = set.batches(of: 10, labelBytes: labelBytes, seed: 4)
      #expect(batches.count == 3)
      for batch in batches {
        #expect(batch.count == 10 * (ImageSet.imageBytes + labelBytes))
        for image in 0..<10 {
          #expect(batch[image * ImageSet.imageBytes] == batch[10 * ImageSet.imageBytes + image * labelBytes])
        }
      }
      #expect(batches == set.batches(of: 10, labelBytes: labelBytes, seed: 4))
      #expect(batches != set.batches(of: 10, labelBytes: labelBytes, seed: 5))
    }
  }

  @Test("images without labels, and a set that is not there, are refused")
  func refused() throws {
    #expect(throws: TestbedError.self) { try Self.make(5, in: ScratchDirectory("odd"), labels: 4) }
    let error = #expect(throws: TestbedError.self) { try ImageSet(.training, in: "/nowhere") }
    #expect(error?.code == .missingProgram)
  }
}
