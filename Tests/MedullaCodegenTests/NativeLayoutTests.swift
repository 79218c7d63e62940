import InferenceCases
import MedullaSnapshot
import Testing

@testable import MedullaCodegen

@Suite("Native programs")
struct NativeLayoutTests {
  static let seed: UInt64 = 20_261_121

  @Test("every field of every case gets as many numbers as its array has places, and they fit its type")
  func fields() throws {
    for example in try InferenceCase.all(seed: Self.seed) {
      for field in NativeLayout(example.snapshot.shape).fields {
        let values = field.values(in: example.snapshot.parameters)
        #expect(values.count == field.count, "\(example.name) \(field.name)")
        let limit = Int64.max >> Int64(64 - 8 * field.element.bytes)
        #expect(values.allSatisfy { -limit - 1 <= $0 && $0 <= limit }, "\(example.name) \(field.name)")
      }
    }
  }

  @Test("nothing that is generated keeps anything between calls")
  func noState() throws {
    for example in try InferenceCase.all(seed: Self.seed) {
      let source = SnapshotSource(try SnapshotFile(example.snapshot))
      for line in (source.header + source.source).split(separator: "\n") {
        let isState =
          line.contains("static") && !line.contains("static inline") && !line.contains("static const")
        #expect(!isState, "\(example.name): \(line)")
      }
    }
  }

  @Test("a block holds many rows of a small network and one row of a large one")
  func blocks() {
    func shape(_ width: Int) -> ProgramShape {
      ProgramShape(scheme: .w8a16, inputs: width, tables: [], steps: [])
    }
    #expect(NativeLayout(shape(30)).block == NativeLayout.largestBlock)
    #expect(NativeLayout(shape(1 << 14)).block == 8)
    #expect(NativeLayout(shape(1 << 20)).block == 1)
  }
}
