import Foundation
import TestbedLink
import Testing

@testable import TestbedExperiments

@Suite("Rows of labelled flows, from tables")
struct FlowRowsTests {
  private func table<T>(_ text: String, _ body: (String) throws -> T) throws -> T {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-rows-\(UUID().uuidString).csv")
    defer { try? FileManager.default.removeItem(at: file) }
    try text.write(to: file, atomically: true, encoding: .utf8)
    return try body(file.path)
  }

  @Test("a table of another layout gives all its columns but the label and those without a name")
  func anyLayout() throws {
    let rows = try #require(
      try table("row,a,Label,b,\n0,1,0,-3,9\n1,0,1,2.5,9\n") {
        try FlowRows.read($0, label: "label", withPort: false)
      })
    #expect(rows.names == ["row", "a", "b"])
    #expect(rows.labels == [0, 1])
    #expect(rows.features[0] == [0, Float(log1p(1.0)), Float(-log1p(3.0))])
  }

  @Test("of a layout that is known come its own columns, whatever else there is")
  func knownLayout() throws {
    let columns = FlowRows.unsw + ["other", "label"]
    let line = columns.map { $0 == "other" ? "7" : "1" }.joined(separator: ",")
    let rows = try #require(
      try table(columns.joined(separator: ",") + "\n" + line + "\n") {
        try FlowRows.read($0, label: "label", withPort: false)
      })
    #expect(rows.names == FlowRows.unsw)
  }

  @Test(
    "a table without numbers, labels or inputs is refused",
    arguments: ["a,b\n1,1\n", "label\n1\n", "a,label\nx,1\n", "a,label\n1,2\n", "a,label\n1\n"])
  func refusals(text: String) throws {
    #expect(throws: FlowRows.Problem.self) {
      try table(text) { try FlowRows.read($0, label: "label", withPort: false) }
    }
  }

  @Test("there is no port where the layout has none")
  func noPort() throws {
    let rows = try table("a,label\n1,1\n") { try FlowRows.read($0, label: "label", withPort: true) }
    #expect(rows == nil)
  }

  @Test("a run keeps what was said of each scored row where that is asked for", arguments: [false, true])
  func said(isAsked: Bool) throws {
    let lines = (0..<160).map { "\($0 % 2 == 0 ? 5 : -5),\($0 % 7),\($0 % 2)" }
    let reading = try table("a,b,label\n" + lines.joined(separator: "\n") + "\n") { path in
      var plan = Caravan.cic.plan
      (plan[Caravan.flows], plan[Caravan.said]) = (path, isAsked)
      (plan[Caravan.bootstrap], plan[Caravan.windows]) = (100, [50])
      (plan[Caravan.inputs], plan[Caravan.orders]) = (["behaviour"], ["recorded"])
      plan[Caravan.continuousEpochs] = [1]
      let cell = try #require(Caravan.cells(plan).first)
      return try CaravanReplay(plan, narrate: { _ in }).measure(cell, round: 0)
    }
    let keys = ["truth", "offline_said", "continuous_said", "triggered_said", "drift_rows"]
    #expect(keys.allSatisfy { (reading.series[$0] != nil) == isAsked })
    guard isAsked else { return }
    let truth = try #require(reading.series["truth"]).map { Int($0) }
    let said = try #require(reading.series["triggered_said"]).map { Int($0) }
    #expect(truth == (100..<160).map { $0 % 2 })
    #expect(RowLoop.Course.macroF1(truth, said) == reading[Caravan.triggered])
  }
}
