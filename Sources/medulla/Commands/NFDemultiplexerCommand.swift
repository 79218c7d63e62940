import ArgumentParser
import Foundation
import MedullaNF

/// `medulla nf-demultiplexer -o FILE`, for `make build`.
struct NFDemultiplexerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nf-demultiplexer", abstract: "Compile the demultiplexer of chains to a file.",
    shouldDisplay: false)

  @Option(name: .shortAndLong, help: "The file.")
  var output: String

  func run() throws {
    try Data(DemultiplexerObject.compile()).write(to: URL(fileURLWithPath: output), options: .atomic)
  }
}
