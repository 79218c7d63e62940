import Foundation
import MedullaBase
import TestbedLink

/// Images of 28×28 bytes and their labels, as the data sets MNIST and Fashion-MNIST have them (IDX, gzip).
package struct ImageSet: Sendable {
  package static let side = 28
  package static let imageBytes = side * side
  /// Debian's package dataset-fashion-mnist.
  package static let folder = "/usr/share/datasets/fashion-mnist"

  package let images: [UInt8]
  package let labels: [UInt8]
  package var count: Int { labels.count }

  package enum Part: String, Sendable {
    case training = "train"
    case test = "t10k"
  }

  package init(_ part: Part, in folder: String = Self.folder) throws {
    images = try Self.read(Self.file(part, "images-idx3", folder), header: 16)
    labels = try Self.read(Self.file(part, "labels-idx1", folder), header: 8)
    guard !labels.isEmpty, images.count == labels.count * Self.imageBytes else {
      throw TestbedError(
        .unreadableReport, "\(folder) has \(images.count) bytes of images for \(labels.count) labels.",
        remedy: "Install Debian's dataset-fashion-mnist anew.")
    }
  }

  package static func file(_ part: Part, _ what: String, _ folder: String = Self.folder) -> String {
    "\(folder)/\(part.rawValue)-\(what)-ubyte.gz"
  }

  private static func read(_ path: String, header: Int) throws -> [UInt8] {
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw TestbedError(
        .missingProgram, "\(path) is not there.",
        remedy: "Install Debian's dataset-fashion-mnist (`make testbed`).")
    }
    return Array(try ChildProcess.run(["gzip", "-dc", path]).output.dropFirst(header))
  }

  /// Batches in an order that the seed draws: the images, then a label for each.
  ///
  /// - Parameter labelBytes: 1, or 8 in little-endian order.
  package func batches(of size: Int, labelBytes: Int, seed: UInt64) -> [[UInt8]] {
    var generator = SeededGenerator(seed: seed)
    let order = Array(0..<count).shuffled(using: &generator)
    return stride(from: 0, to: count - count % size, by: size).map { start in
      var batch: [UInt8] = []
      batch.reserveCapacity(size * (Self.imageBytes + labelBytes))
      for index in order[start..<start + size] {
        batch += images[index * Self.imageBytes..<(index + 1) * Self.imageBytes]
      }
      for index in order[start..<start + size] {
        batch += [labels[index]] + [UInt8](repeating: 0, count: labelBytes - 1)
      }
      return batch
    }
  }
}
