import Testing

@testable import MedullaCodegen
@testable import MedullaSnapshot

@Suite("Program budget")
struct ProgramBudgetTests {
  @Test("a layer beyond the verifier is refused by name, with a way out")
  func beyondVerifier() {
    let error = #expect(throws: CodegenError.self) { try ProgramHeader(shape: dense(2048, 512)) }
    #expect(error?.code == .beyondVerifier)
    #expect(error?.message.contains("step 0 (dense)") == true, "\(error?.message ?? "")")
    #expect(error?.remedy.contains("medulla run-model") == true)
  }

  @Test("tensors that no processor's memory holds are refused")
  func beyondMemory() {
    let error = #expect(throws: CodegenError.self) { try ProgramHeader(shape: dense(2048, 1)) }
    #expect(error?.code == .beyondMemory)
  }

  @Test("working memory of 32 KiB is refused, because a word stands before it in the same map element")
  func workspace() {
    // 2040 features, read once more as activations, and the outputs: with 16 of them 4096 words.
    let error = #expect(throws: CodegenError.self) { try ProgramBudget(dense(2040, 16)).check() }
    #expect(error?.code == .beyondMemory)
    #expect(throws: Never.self) { try ProgramBudget(dense(2040, 15)).check() }
  }

  @Test("a fan-in of 1024 by 64 outputs is within the budget")
  func largest() throws {
    let budget = ProgramBudget(dense(1024, 64))
    #expect(budget.instructions < ProgramBudget.instructionLimit)
    #expect(throws: Never.self) { try budget.check() }
  }

  private func dense(_ inputs: Int, _ outputs: Int) -> ProgramShape {
    ProgramShape(
      scheme: .w8a16, inputs: inputs, tables: [],
      steps: [
        .dense(
          DenseStep(
            inputs: inputs, outputs: outputs, packing: .pair,
            epilogue: Epilogue(shift: 30, function: .identity)))
      ])
  }
}
