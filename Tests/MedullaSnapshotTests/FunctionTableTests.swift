import Foundation
import Testing

@testable import MedullaSnapshot

@Suite("Function tables")
struct FunctionTableTests {
  static let tables: [FunctionTable] = QuantizationScheme.allCases.flatMap { scheme in
    [FunctionTable.Function.tanh, .sigmoid, .decay].flatMap { function in
      [scheme.activationLimit, 1 << 16, 1 << 20].map {
        FunctionTable(function: function, amplitude: $0, scheme: scheme)
      }
    }
  }

  @Test("the stated error bound holds at every coordinate", arguments: tables)
  func errorBound(table: FunctionTable) throws {
    let lines = TableLines(spec: table, entries: try table.entries())
    var worst = 0.0
    // A prime step visits every place within a segment; segment ends are visited on top.
    let last = table.maximumCoordinate
    let segment = Int64(1) << Int64(table.fractionBits)
    let ends = stride(from: 0, through: last, by: Int64.Stride(segment)).flatMap {
      [$0, min($0 + segment - 1, last)]
    }
    for v in Array(stride(from: 0, through: last, by: 7)) + ends {
      let exact = table.exact(table.lowerBound + table.step * Double(v))
      worst = max(worst, abs(Double(lines.value(at: v)) / Double(table.amplitude) - exact))
    }
    #expect(worst <= table.errorBound, "\(table) is off by \(worst)")
    // The bound is no excuse: it is at most a few times what is measured.
    #expect(table.errorBound <= 8 * worst + 4 / Double(table.amplitude), "\(table): \(worst)")
  }

  @Test("coordinates outside the table take its ends", arguments: tables)
  func saturation(table: FunctionTable) throws {
    let lines = TableLines(spec: table, entries: try table.entries())
    #expect(lines.value(at: Int64.min) == lines.value(at: 0))
    #expect(lines.value(at: Int64.max) == lines.value(at: table.maximumCoordinate))
    #expect(lines.range.lowerBound >= (table.function == .tanh ? -table.amplitude : 0))
    #expect(lines.range.upperBound <= table.amplitude)
  }

  @Test("one half of a table gives the other to the bit, where it says so", arguments: tables)
  func halves(table: FunctionTable) throws {
    let lines = try table.entries()
    #expect(table.mirrors(lines) == (table.function != .decay), "\(table)")
    guard table.mirrors(lines) else { return }
    let held = table.halved.held(lines)
    #expect(held.count == table.segments / 2)
    #expect(table.halved.whole(held) == lines)
    let whole = TableLines(spec: table, entries: lines)
    let sum = table.function == .tanh ? 0 : table.amplitude
    for v in 0...table.maximumCoordinate {
      // As programs compute it.
      let distance = v - table.middle
      let below = distance >> 63
      let turned = distance ^ below
      let line = held[Int(turned >> Int64(table.fractionBits))]
      let value = (Int64(line.intercept) + Int64(line.slope) * (turned - below)) >> Int64(table.guardBits)
      let mirrored = (value ^ below) - below + (below & sum)
      if mirrored != whole.value(at: v) { Issue.record("\(table) at \(v)"); return }
    }
  }

  @Test("a table that has no half is refused where a shape says so, and old shapes keep whole tables")
  func wrongHalf() throws {
    let snapshot = try Quantizer().quantize(
      Networks.aurora(), Calibration(samples: Networks.samples(60, of: 30, seed: 1)))
    #expect(snapshot.shape.tables.map(\.isHalved) == [true])
    var tables = snapshot.parameters.tables
    tables[0][3] = TableEntry(intercept: tables[0][3].intercept + 1, slope: tables[0][3].slope)
    let changed = IntegerParameters(
      tables: tables, features: snapshot.parameters.features, steps: snapshot.parameters.steps)
    let error = #expect(throws: SnapshotError.self) {
      try Snapshot(shape: snapshot.shape, parameters: changed, record: snapshot.record)
    }
    #expect(error?.code == .malformedFile)
    let text = String(decoding: try JSONEncoder().encode(FunctionTableTests.tables[0]), as: UTF8.self)
    #expect(!text.contains("isHalved"))
    #expect(try JSONDecoder().decode(FunctionTable.self, from: Data(text.utf8)).isHalved == false)
  }

  @Test("at 16 bits tanh and sigmoid are within 0.005% of their range")
  func accuracy() {
    for function in [FunctionTable.Function.tanh, .sigmoid] {
      #expect(FunctionTable(function: function, amplitude: 32767, scheme: .w8a16).errorBound < 1.2e-4)
    }
  }
}
