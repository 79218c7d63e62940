import MedullaLearning
import MedullaNF
import MedullaPayload
import Testing

@testable import MedullaNFFunctions

@Suite("The trainer's options")
struct TrainerSettingsTests {
  @Test("without options it is the paper's network on batches of 50 images of 28 by 28")
  func paper() throws {
    let settings = try TrainerSettings(FunctionOptions("{}", kind: "trainer"))
    #expect(settings.format.byteCount == 50 * 784 + 50)
    #expect(settings.objectFormat.byteCount == settings.format.byteCount)
    #expect(settings.layers.count == 10 && settings.layers[0] == .convolution(outputs: 10, kernel: 5))
    let network = try ConvolutionalNetwork(input: settings.format.shape, layers: settings.layers, seed: 1)
    #expect(network.classes == 10)
  }

  @Test(
    "what is no layer is refused, with what is one",
    arguments: ["conv 10", "conv a 5", "pool 2", "dense", "dropout x", "sigmoid", ""])
  func refused(_ layer: String) {
    let error = #expect(throws: NFError.self) { try TrainerSettings.layers([layer]) }
    #expect(error?.description.contains("conv 10 5") == true)
  }
}
