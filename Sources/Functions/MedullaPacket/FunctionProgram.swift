import MedullaBase
import MedullaDatapath
import MedullaKernel

/// A custom function's program: which of a bundle's it is, and of which source.
///
/// Both stay with the instance. A network of another shape brings the program of the same name from its own
/// bundle; one of another source would take over memory of flows that it does not know.
package struct FunctionProgram: Sendable, Equatable {
  package let name: String
  /// SHA-256 of its source, in hexadecimal.
  package let source: String

  /// The program of a bundle by its name; nil: the only one that it carries.
  ///
  /// - Throws: `missingProgram` with the command that makes it, `badFunction` for a name that is none.
  package init(_ name: String?, of snapshot: DatapathSnapshot) throws(DatapathError) {
    let carried = snapshot.ownPrograms
    let bundle = snapshot.bundlePath ?? snapshot.name
    if let name, !FunctionSource.isName(name) { throw Self.notAName(name, snapshot) }
    guard let name = name ?? (carried.count == 1 ? carried.first : nil) else {
      guard carried.isEmpty else {
        throw DatapathError(
          .badFunction, "\(bundle) carries several functions: \(carried.joined(separator: ", "))",
          remedy: "say which one by `program`")
      }
      throw DatapathError(
        .missingProgram, "\(bundle) carries no function",
        remedy: snapshot.compileCommand(source: "FILE.bpf.c"))
    }
    guard let text = snapshot.objects[name]?.text else {
      throw DatapathError(
        .missingProgram, "\(bundle) has no program \(name)",
        cause: carried.isEmpty ? "it carries no function" : "it has: \(carried.joined(separator: ", "))",
        remedy: snapshot.compileCommand(source: name + FunctionSource.ending))
    }
    self.init(name: name, source: Self.digest(of: text))
  }

  init(name: String, source: String) { (self.name, self.source) = (name, source) }

  private static func digest(of text: String) -> String { SHA256.hash(Array(text.utf8)).hexadecimal }

  /// Earlier versions took the source itself here.
  private static func notAName(_ text: String, _ snapshot: DatapathSnapshot) -> DatapathError {
    guard text.hasSuffix(".c") else {
      return DatapathError(
        .badFunction, "\"\(text)\" is no name of a program",
        remedy: "give the name of one that the bundle carries; `medulla inspect` lists them")
    }
    let file = text.split(separator: "/").last.map(String.init) ?? text
    let name = file.hasSuffix(FunctionSource.ending) ? file.dropLast(FunctionSource.ending.count) : "NAME"
    return DatapathError(
      .missingProgram, "\(text) is a source, and nothing is compiled when a function is attached",
      remedy: snapshot.compileCommand(source: text)
        + "; then name the program, \(name), or leave it out where the bundle carries one")
  }

  /// The program's object, checked against the snapshot's sizes and the hook.
  func object(
    in snapshot: DatapathSnapshot, at hook: FunctionHook
  ) throws -> (object: BPFObject, registration: FunctionRegistration) {
    let current = try FunctionProgram(name, of: snapshot)
    guard current == self, let program = snapshot.ownProgram(name) else {
      throw DatapathError(
        .badFunction,
        "\(name) of \(snapshot.bundlePath ?? snapshot.name) has another source than the attached function",
        remedy: "detach and attach to change the function, or put the attached one's source into the "
          + "bundle, " + snapshot.compileCommand(source: name + FunctionSource.ending))
    }
    let file = name + FunctionSource.ending
    let object = try BPFObject(bytes: snapshot.object(of: program), name: "function")
    let registration = try FunctionRegistration(in: object, file: file)
    try registration.check(snapshot, file: file)
    guard object.programNames.contains(registration.name) else {
      let programs = object.programNames.filter { $0 != EmbeddedSources.liveProgram }
      throw DatapathError(
        .badFunction, "\(file) registers \(registration.name) but has no such program",
        remedy: "it has: \(programs.joined(separator: ", "))")
    }
    guard try object.kind(ofProgram: registration.name) == hook.programKind else {
      let section = hook.programKind == .xdp ? "xdp" : "tc"
      throw DatapathError(
        .badFunction, "\(registration.name) of \(file) is no program for \(hook)",
        remedy: "put it into SEC(\"\(section)\"), or give another hook")
    }
    return (object, registration)
  }
}
