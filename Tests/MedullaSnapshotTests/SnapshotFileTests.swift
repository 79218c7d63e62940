import Foundation
import InferenceCases
import MedullaBase
import MedullaModel
import SnapshotFileProperties
import Testing

@testable import MedullaSnapshot

@Suite("Snapshot file")
struct SnapshotFileTests {
  @Test("every kind of snapshot comes back from its file as it went in")
  func roundTrip() throws {
    for example in try InferenceCase.all(seed: 55) {
      let file = try SnapshotFile(example.snapshot)
      let again = try SnapshotFile(bytes: file.bytes)
      #expect(again.snapshot == example.snapshot, "\(example.name)")
      #expect(again.digest == file.digest)
    }
  }

  @Test("a changed byte anywhere is noticed")
  func changedByte() throws {
    let file = try SnapshotFile(small())
    for position in stride(from: 0, to: file.bytes.count, by: 37) {
      var bytes = file.bytes
      bytes[position] ^= 0x10
      #expect(throws: SnapshotError.self) { try SnapshotFile(bytes: bytes) }
    }
  }

  @Test("a file cut short anywhere is refused")
  func truncated() throws {
    let file = try SnapshotFile(small())
    for count in stride(from: 0, to: file.bytes.count, by: 53) {
      #expect(throws: SnapshotError.self) { try SnapshotFile(bytes: Array(file.bytes[..<count])) }
    }
  }

  @Test("damage under a fitting digest is refused or gives a snapshot that runs")
  func resigned() throws {
    let file = try SnapshotFile(small())
    var generator = SeededGenerator(seed: 404)
    for _ in 0..<400 {
      var bytes = file.bytes
      for _ in 0...Int.random(in: 0...3, using: &generator) {
        bytes[Int.random(in: 24..<bytes.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      #expect(SnapshotProperties.violation(SnapshotProperties.sealed(bytes)) == nil, "seed 404")
    }
  }

  @Test("files of version 1 are read, and give the same snapshot as their successors")
  func firstVersion() throws {
    for example in try InferenceCase.all(seed: 56) {
      let old = try SnapshotFile(bytes: Version1File.bytes(of: example.snapshot))
      #expect(old.snapshot == example.snapshot, "\(example.name)")
      let new = try SnapshotFile(old.snapshot)
      #expect(new.bytes[8] == 2 && old.digest != new.digest)
      #expect(try SnapshotFile(bytes: new.bytes).snapshot == example.snapshot)
    }
  }

  @Test("numbers are as narrow as their values: 8-bit weights take a byte each")
  func narrow() throws {
    for (scheme, element) in [(QuantizationScheme.w8a16, SnapshotSection.Element.int8), (.w16a16, .int16)] {
      let snapshot = try Quantizer(QuantizerOptions(scheme: scheme)).quantize(
        Networks.chain([40, 50, 2], [.tanh, nil], seed: 3),
        Calibration(samples: Networks.samples(10, of: 40, seed: 1)))
      let file = try SnapshotFile(snapshot)
      let weights = file.sections.filter { $0.kind == .weights }
      #expect(weights.map(\.element) == [element, element])
      #expect(weights.map(\.count) == [2000, 100])
      for section in file.sections {
        #expect(section.offset % 64 == 0)
        #expect(SHA256.hash(file.bytes[section.offset..<section.end]) == section.digest)
      }
      let before = try Version1File.bytes(of: snapshot)
      #expect(file.bytes.count < before.count * 3 / 4)
    }
  }

  @Test("every element keeps the ends of its range")
  func elements() {
    let ends: [(Int64, Int64, SnapshotSection.Element)] = [
      (-128, 127, .int8), (-129, 0, .int16), (0, 128, .int16), (-32768, 32767, .int16), (0, 32768, .int32),
      (Int64(Int32.min), Int64(Int32.max), .int32), (0, Int64(Int32.max) + 1, .int64),
      (.min, .max, .int64),
    ]
    for (low, high, element) in ends {
      let values = [low, 0, high, -1]
      #expect(NarrowNumbers.element(for: values) == element)
      let bytes = NarrowNumbers.bytes(values, as: element)
      #expect(bytes.count == 4 * element.bytes)
      #expect(NarrowNumbers.values(bytes[...], of: element, as: Int64.self) == values)
    }
    #expect(NarrowNumbers.values([1, 2, 3, 4][...], of: .int32, as: Int16.self) == nil)
  }

  @Test("another version is refused by name")
  func version() throws {
    var bytes = try SnapshotFile(small()).bytes
    bytes[8] = 9
    let error = #expect(throws: SnapshotError.self) { try SnapshotFile(bytes: bytes) }
    #expect(error?.code == .unsupportedVersion)
    #expect(error?.message.contains("version 9") == true)
  }

  @Test("a bundle appears as a whole or not at all, and replaces the one before")
  func bundle() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("medulla-bundle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("net.medulla").path
    struct Interrupted: Error {}
    let file = try SnapshotFile(small())
    #expect(throws: Interrupted.self) {
      try SnapshotBundle.write(file, to: path) { _ in throw Interrupted() }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    for seed in [1, 2] as [UInt64] {
      let snapshot = try small(seed: seed)
      let next = try SnapshotFile(snapshot)
      _ = try SnapshotBundle.write(next, to: path) { _ in try manifest(next, seed: seed) }
      let opened = try SnapshotBundle.open(path)
      #expect(opened.snapshot == snapshot)
      #expect(opened.manifest.digest == next.digest)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["net.medulla"])
    }
    try Data("x".utf8).write(to: folder.appendingPathComponent("note"))
    #expect(throws: SnapshotError.self) {
      try SnapshotBundle.write(file, to: folder.path) { _ in try manifest(file, seed: 1) }
    }
    #expect(throws: SnapshotError.self) { try SnapshotBundle.open(folder.path) }
  }

  /// A bundle with a program, a header and a model that are only bytes.
  private func filled(_ path: String, seed: UInt64 = 1) throws {
    let file = try SnapshotFile(small(seed: seed))
    _ = try SnapshotBundle.write(file, to: path) { folder in
      let programs = folder.appendingPathComponent(SnapshotBundle.programsName)
      try FileManager.default.createDirectory(at: programs, withIntermediateDirectories: false)
      try Data("object \(seed)".utf8).write(to: programs.appendingPathComponent("congestion.bpf.o"))
      try Data("header".utf8).write(to: folder.appendingPathComponent(SnapshotBundle.headerName))
      try Data("model".utf8).write(to: folder.appendingPathComponent(SnapshotBundle.modelName))
      return try manifest(file, seed: seed)
    }
  }

  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("medulla-bundle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test("one flipped bit in any file of a bundle, or a file that is gone, is found before it is used")
  func damaged() throws {
    try inFolder { folder in
      let path = folder.appendingPathComponent("net.medulla").path
      for file in ["programs/congestion.bpf.o", "shape.h", "model.onnx", "snapshot.medulla"] {
        try? FileManager.default.removeItem(atPath: path)
        try filled(path)
        _ = try SnapshotBundle.open(path)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path + "/" + file))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path + "/" + file))
        let flipped = #expect(throws: SnapshotError.self) { try SnapshotBundle.open(path) }
        #expect([.digestMismatch, .malformedFile].contains(flipped?.code), "\(file)")
        #expect(flipped?.message.contains(file) == true || file == "snapshot.medulla", "\(file)")
        try FileManager.default.removeItem(atPath: path + "/" + file)
        #expect(throws: SnapshotError.self) { try SnapshotBundle.open(path) }
      }
    }
  }

  @Test("a bundle with somebody's files in it is not replaced, and a link to one stays a link")
  func replaced() throws {
    try inFolder { folder in
      let path = folder.appendingPathComponent("net.medulla").path
      let link = folder.appendingPathComponent("link.medulla").path
      try filled(path)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "net.medulla")
      try filled(link, seed: 2)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "net.medulla")
      #expect(try SnapshotBundle.open(path).snapshot == small(seed: 2))
      try Data("mine".utf8).write(to: URL(fileURLWithPath: path + "/notes.txt"))
      let refused = #expect(throws: SnapshotError.self) { try filled(path, seed: 3) }
      #expect(refused?.message.contains("notes.txt") == true)
      #expect(FileManager.default.fileExists(atPath: path + "/notes.txt"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
      try FileManager.default.removeItem(atPath: path)
      let dangling = #expect(throws: SnapshotError.self) { try filled(link) }
      #expect(dangling?.message.contains("where nothing is") == true)
    }
  }

  private func small(seed: UInt64 = 1) throws -> Snapshot {
    try Quantizer().quantize(
      Networks.chain([2, 3, 1], [.relu, nil], seed: seed), calibration)
  }

  private var calibration: Calibration { Calibration(samples: Networks.samples(10, of: 2, seed: 1)) }

  private func manifest(_ file: SnapshotFile, seed: UInt64) throws -> BundleManifest {
    let network = try Networks.chain([2, 3, 1], [.relu, nil], seed: seed)
    let report = try AccuracyReport(file.snapshot, network, calibration)
    return BundleManifest(file, report: report, programs: [])
  }
}
