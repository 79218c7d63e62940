import Foundation
import MedullaBase
import MedullaNF

/// A chain's host over DPDK for tests, in a process of its own: `nf-dpdk-host LIBRARY PATH WORD…`. For each
/// line of standard input it answers with the report, as JSON in a line; at its end it ends the chain, and
/// answers once more.
func say(_ report: ChainReport) throws {
  FileHandle.standardOutput.write(try JSONEncoder().encode(report) + Data("\n".utf8))
}

let words = CommandLine.arguments
guard words.count > 3 else {
  FileHandle.standardError.write(Data("usage: nf-dpdk-host LIBRARY PATH WORD…\n".utf8))
  exit(64)
}
do {
  let settings = try HostArguments(Array(words.dropFirst(3))).settings
  let library = try DPDKLibrary(path: words[1])
  let host = try ChainHost(settings, library: library, path: words[2])
  host.start()
  while readLine() != nil { try say(host.report()) }
  host.stop()
  try say(host.report())
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
