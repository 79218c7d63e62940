import ArgumentParser
import Foundation
import MedullaBase
import MedullaFabric

/// `medulla fabric watch`.
struct FabricWatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Move layers when a fabric's switches or links go.",
    discussion: """
      Sends a cell along each link in every interval. When links do not send theirs back, layers of switches \
      that cannot be reached move to others, and ways lead around; clients go on by themselves. Runs until \
      it is interrupted, and prints a line for each move. Needs root.
      """)

  private static let patienceRange = 10...10_000

  @OptionGroup var fabric: FabricName
  @Option(help: "Milliseconds without a sign of a link until it counts as gone.")
  var patience = 150

  func validate() throws {
    guard Self.patienceRange.contains(patience) else {
      throw ValidationError("--patience must be 10 to 10000.")
    }
  }

  func run() throws {
    var settings = FabricWatch.Settings()
    settings.patience = .milliseconds(patience)
    settings.interval = min(settings.interval, settings.patience / 5)
    let watch = try FabricWatch(RunningFabric.open(fabric.names()), settings)
    try watch.run(until: { false }) { event in
      let gone = event.gone.map { $0.joined(separator: "–") }.joined(separator: " ")
      print(
        event.failure.isEmpty
          ? "\(event.model): epoch \(event.epoch) in \(NumberText.short(event.took / .milliseconds(1))) ms, "
            + "without \(gone)"
          : "\(event.model): stays as it is without \(gone): \(event.failure)")
      fflush(nil)
    }
  }
}
