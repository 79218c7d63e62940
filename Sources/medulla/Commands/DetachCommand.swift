import ArgumentParser
import MedullaBase
import MedullaCompile
import MedullaDatapath

/// `medulla detach NAME`.
struct DetachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detach",
    abstract: "Take a network out of the kernel.",
    discussion: """
      Running flows go over to the congestion control that was the default when the network was attached, \
      each on its next ACK.
      """)

  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The instance.")
  var name: String

  func run() throws {
    let instance = try Instance(name)
    let reader = instance.reader
    var notes: [String] = []
    try instance.detach { note in
      notes.append(note)
      Narration.tell(note)
    }
    if let reader {
      notes.append("\(reader) learned for it, and finds it gone; `medulla stop` ends a daemon")
    }
    if json {
      return try StatusOutput.printJSON(DetachReport(detached: name, reader: reader?.process, notes: notes))
    }
    if let note = notes.last, reader != nil { Narration.tell(note) }
    Narration.tell("detached \(name)")
  }
}

/// What `detach --json` prints.
private struct DetachReport: Encodable {
  let detached: String
  /// The process that took the instance's samples; null when there was none.
  let reader: Int32?
  let notes: [String]

  private enum CodingKeys: String, CodingKey { case detached, reader, notes }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(detached, forKey: .detached)
    try container.encode(reader, forKey: .reader)
    try container.encode(notes, forKey: .notes)
  }
}
