import MedullaBase
import MedullaDatapath
import MedullaKernel
import MedullaPacket
import MedullaSnapshot

/// The programs of one shape, compiled and not yet seen by a kernel.
package struct ShapePrograms: Sendable {
  /// The C of the shape.
  let header: String
  /// In the order in which they are told.
  let names: [String]
  let objects: [String: CompiledProgram]
  /// The oldest kernel that takes their instructions.
  let kernel: KernelVersion

  /// - Parameter kernel: the oldest that they are for; nil: one of today.
  /// - Throws: `badFunction` when a function of the user's has the name of another program.
  init(
    _ file: SnapshotFile, own: [FunctionSource], functions: FunctionList,
    for kernel: KernelVersion? = .running
  ) throws {
    let snapshot = try DatapathSnapshot(file, name: file.snapshot.record.networkName, objects: [:])
    let header = try snapshot.header
    let compiler = try BPFCompiler(for: kernel)
    var objects: [String: CompiledProgram] = [:]
    var names: [String] = []
    func add(_ program: ProgramSource, _ bytes: [UInt8], text: String? = nil) throws(DatapathError) {
      guard objects[program.name] == nil else {
        throw DatapathError(
          .badFunction, "\(ProgramSource.sourceName(program.name)) has the name of another program",
          remedy: "give it another name")
      }
      names.append(program.name)
      objects[program.name] = CompiledProgram(
        bytes: bytes, sources: program.digest(for: snapshot.shapeDigest), text: text)
    }
    let isAtInterfaces = !own.isEmpty || snapshot.flows != nil
    let programs = functions.programs + (isAtInterfaces ? [Dispatcher.source] : [])
    for program in programs where program.accepts(snapshot) {
      try add(program, try program.object(header: header, compiler: compiler))
    }
    for source in own {
      try add(source.program, try source.object(for: snapshot, compiler: compiler), text: source.text)
    }
    (self.header, self.names, self.objects) = (header, names, objects)
    self.kernel = compiler.instructions.oldestKernel
  }
}

extension DatapathSnapshot {
  /// A snapshot of no bundle, with programs that are compiled now: for hosts with a compiler, such as the
  /// testbed. Programs of a shape are compiled once in a process.
  ///
  /// - Throws: `CodegenError` when the shape needs a program that the kernel would not load, `KernelError`
  ///   from the compiler.
  package init(
    compiling file: SnapshotFile, name: String, own: [FunctionSource] = [], functions: FunctionList = .all
  ) throws {
    let bare = try DatapathSnapshot(file, name: name, objects: [:])
    let key = ShapeProgramCache.Key(
      shape: bare.shapeDigest, own: own.map(\.text), functions: functions.names)
    let objects = try ShapeProgramCache.objects(for: key) {
      try ShapePrograms(file, own: own, functions: functions).objects
    }
    try self.init(file, name: name, objects: objects)
  }
}
