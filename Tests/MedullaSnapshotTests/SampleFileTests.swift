import Foundation
import MedullaModel
import Testing

@Suite("Sample files")
struct SampleFileTests {
  @Test("samples come back from .npy as they were written")
  func roundTrip() throws {
    try withFile(Data()) { path in
      let samples: [[Float]] = [[1, -2.5, 3e-9], [.greatestFiniteMagnitude, 0, -1]]
      try SampleFile.write(samples, to: path)
      let read = try SampleFile.read(path, elements: 3)
      #expect(read == samples)
    }
  }

  @Test("NumPy's types, byte orders and Fortran order are read")
  func numpy() throws {
    try expect(
      "<f8", "False", "(2, 2)", [1.5, -2, 3, 4].flatMap { bytes($0 as Double) }, [[1.5, -2], [3, 4]])
    try expect(
      "<f8", "True", "(2, 2)", [1.5, -2, 3, 4].flatMap { bytes($0 as Double) }, [[1.5, 3], [-2, 4]])
    try expect(">i2", "False", "(1, 2)", [0x01, 0x00, 0xFF, 0xFE], [[256, -2]])
    try expect("|u1", "False", "(2, 1, 2)", [1, 2, 3, 255], [[1, 2], [3, 255]])
    try expect("<f2", "False", "(2,)", [0x00, 0x3C, 0x00, 0xC0], [[1, -2]])
  }

  @Test("CSV may have names, comments, blanks and other separators")
  func csv() throws {
    for text in [
      "a,b\n1,2\n\n# note\n3, 4\n", "1;2\r\n3;4", "1\t2\n3\t4\n", " 1 2\n3  4", "\"1\",\"2\"\n\"3\", \"4\"\n",
      "\"a,b\",\"c\"\n1,2\n3,4\n", "\u{FEFF}1,2\n3,4\n", ",b\n1,2\n3,4\n",
    ] {
      try withFile(Data(text.utf8)) { path in
        let samples = try SampleFile.read(path, elements: 2)
        #expect(samples == [[1, 2], [3, 4]], "\(text)")
      }
    }
  }

  @Test("a file that makes no sense is refused with its place")
  func refused() throws {
    let cases: [(Data, String)] = [
      (Data("1,2\n3\n".utf8), "line 2"), (Data("1,2\nx,4\n".utf8), "line 2, column 1: \"x\""),
      (Data("1.0,x2\n1,2\n".utf8), "line 1, column 2: \"x2\""),
      (Data("a,b\nc,d\n1,2\n".utf8), "line 2, column 1"),
      (Data("1,2\n3,nan\n".utf8), "line 2, column 2"), (Data("1,2\n-inf,4\n".utf8), "line 2, column 1"),
      (Data("1,1e999\n".utf8), "not a finite number"), (Data(), "no rows"),
      (Data([0xFF, 0xFE, 0x00]), "UTF-8"),
      (npy("<f4", "False", "(2, 3)", [UInt8](repeating: 0, count: 24)), "shape [2, 3]"),
      (npy("<f4", "False", "(2, 2)", [0, 0]), "needs 16 bytes"),
      (npy("<f4", "False", "(9223372036854775807, 2)", []), "more than"),
      (npy("<c8", "False", "(2, 2)", []), "<c8"), (npy("<f4", "False", "(-1, 2)", []), "-1"),
      (
        npy("<f4", "False", "(2, 2)", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0x7F, 0, 0, 0, 0]),
        "row 2, column 1"
      ),
      (npy("<f8", "False", "(1, 2)", bytes(0 as Double) + bytes(1e300 as Double)), "row 1, column 2"),
      (npy("<f4", "False", "(0, 4611686018427387904, 4)", []), "more than"),
      (npy("<f4", "True", "(4611686018427387904, 4, 0)", []), "more than"),
    ]
    for (data, text) in cases {
      try withFile(data) { path in
        let error = #expect(throws: ModelError.self) { try SampleFile.read(path, elements: 2) }
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "") does not say \(text)")
        #expect(error?.message.hasPrefix(path) == true)
      }
    }
  }

  @Test("a pipe is read to its end, and what cannot be opened says why")
  func pipes() throws {
    let pipe = Pipe()
    let rows: [[Float]] = (0..<40_000).map { [Float($0), 1] }
    let writer = Thread {
      try? pipe.fileHandleForWriting.write(contentsOf: SampleFile.data(rows, columns: 2))
      try? pipe.fileHandleForWriting.close()
    }
    writer.start()
    let read = try SampleFile.read("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)", elements: 2)
    #expect(read == rows)
    for (path, reason) in [("/nowhere", "no such file"), ("/tmp", "is a directory")] {
      let error = #expect(throws: ModelError.self) { try SampleFile.read(path, elements: 2) }
      #expect(error?.code == .io && error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
    do throws(BoundedInput.Failure) {
      _ = try BoundedInput.read("/dev/zero", limit: 1 << 21)
      Issue.record("an endless file was read")
    } catch {
      #expect(error.reason.contains("more than"))
    }
  }

  private func expect(
    _ type: String, _ order: String, _ shape: String, _ body: [UInt8], _ samples: [[Float]]
  ) throws {
    try withFile(npy(type, order, shape, body)) { path in
      let read = try SampleFile.read(path, elements: 2)
      #expect(read == samples, "\(type) \(order)")
    }
  }

  private func npy(_ type: String, _ order: String, _ shape: String, _ body: [UInt8]) -> Data {
    let header = Array("{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }\n".utf8)
    return Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + body)
  }

  private func bytes(_ value: Double) -> [UInt8] {
    withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
  }

  private func withFile(_ data: Data, _ body: (String) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-\(UUID().uuidString)")
    try data.write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url.path)
  }
}
