import MedullaBase
import Testing

@testable import MedullaPayload

@Suite("Formats of objects")
struct ObjectFormatTests {
  private static let batch = ObjectFormat.trainingBatch(
    samples: 50, shape: [1, 28, 28], element: .uint8, label: .int64)

  static let sizes: [(ObjectFormat, Int)] = [
    (.imageFloat32(channels: 3, height: 224, width: 224), 602_112),
    (.imageUInt8(height: 416, width: 416, channels: 3), 519_168), (batch, 50 * 784 + 50 * 8),
  ]

  @Test("an object has its format's size and kind, and no other", arguments: sizes)
  func accepts(format: ObjectFormat, size: Int) {
    #expect(format.byteCount == size && format.fault == nil)
    for kind in PayloadKind.allCases {
      #expect(format.accepts(kind, size: size) == (kind == format.kind))
      #expect(!format.accepts(kind, size: size - 1) && !format.accepts(kind, size: size + 1))
    }
  }

  @Test("bytes have any size up to a limit, and no shape")
  func bytes() {
    let format = ObjectFormat.bytes(limit: 10)
    #expect(format.accepts(.bytes, size: 1) && format.accepts(.bytes, size: 10))
    #expect(!format.accepts(.bytes, size: 11) && format.tensors == [])
  }

  @Test("a batch is its samples, and their labels behind them")
  func tensors() {
    #expect(
      Self.batch.tensors == [
        PayloadTensor(element: .uint8, shape: [50, 1, 28, 28], offset: 0),
        PayloadTensor(element: .int64, shape: [50], offset: 39_200),
      ])
  }

  @Test("the digest tells an object whose payload was damaged on its way")
  func digest() throws {
    let bytes = AssemblyCase.bytes(1_000, seed: 5)
    let digest = bytes.withUnsafeBytes { PayloadDigest.of($0) }
    let rig = try AssemblyCase.assembler(streams: [
      1: StreamProfile(format: .bytes(limit: 1_000), deadline: 10, objectLimit: 1)
    ])
    let writer = try AssemblyCase.writer(size: 1_000, piece: 100, digest: digest)
    var name: ObjectName?
    for sequence in 0..<writer.packets { name = rig.take(writer, sequence).object }
    let object = try #require(name.flatMap { rig.object($0) })
    #expect(object.digest == digest && object.state == .complete)
    for at in [0, 500, 999] {
      var damaged = bytes
      damaged[at] ^= 4
      #expect(damaged.withUnsafeBytes { PayloadDigest.of($0) } != object.digest)
    }
  }
}
