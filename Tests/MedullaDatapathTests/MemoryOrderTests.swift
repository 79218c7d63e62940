import Foundation
import Testing

@testable import MedullaDatapath

@Suite("order between processors")
struct MemoryOrderTests {
  @Test("a compiler's barrier orders nothing between processors: only memory of one processor has it")
  func barriers() {
    let users = EmbeddedSources.headers.merging(EmbeddedSources.dispatch) { own, _ in own }
      .filter { $0.value.contains("MEDULLA_BARRIER()") }
    #expect(users.keys.sorted() == ["flow_inputs.bpf.h", "medulla.bpf.h", "medulla_order.bpf.h"])
    // Between inputs, which this processor writes to its own question.
    let inputs = users["flow_inputs.bpf.h"]?.components(separatedBy: "MEDULLA_BARRIER();") ?? []
    #expect(inputs.count == 2 && inputs.first?.contains("#define MEDULLA_WRITE_INPUT(") == true)
    let uses = users["medulla.bpf.h"]?.components(separatedBy: "MEDULLA_BARRIER();") ?? []
    #expect(uses.count == 2)
    #expect(uses.first?.contains("static __always_inline void medulla_give_workspace") == true)
  }

  @Test("every counter is counted by an atomic addition: an interruption between load and store loses none")
  func counters() throws {
    let plain = try Regex("(counts|totals|asking->counts)->[a-z_]+(\\[[A-Z_]+\\])?(\\+\\+| \\+= )")
    for (name, text) in EmbeddedSources.headers.merging(EmbeddedSources.dispatch, uniquingKeysWith: { $1 }) {
      #expect(text.matches(of: plain).isEmpty, "\(name)")
    }
  }
}
