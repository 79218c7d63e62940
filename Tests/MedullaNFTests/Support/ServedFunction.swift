import Foundation
import MedullaNF

/// A chain whose entry is a function of Medulla's own, which serves on a thread of the tests' process.
struct ServedFunction {
  static let name = "served"

  let chain: ChainCase
  private let done = DispatchSemaphore(value: 0)
  private let failure = Box<(any Error)?>(nil)

  /// - Parameters:
  ///   - others: functions of the chain that frames go on to; the first is what follows it.
  ///   - make: makes the function, on its own thread.
  init(
    before others: [String] = [], _ make: @escaping @Sendable () throws -> any NetworkFunction
  ) throws {
    var functions = ([Self.name] + others).map { ChainFunction(name: $0) }
    for index in functions.indices { functions[index].quota = 2_048 }
    if let first = others.first { functions[0].next = .function(first) }
    chain = try ChainCase(ChainCase.settings(functions, entries: [Self.name]))
    let (path, done, failure) = (chain.path, done, failure)
    Thread {
      do {
        let port = try FunctionPort(path: path, function: Self.name)
        try Self.serve(try make(), by: port)
      } catch {
        failure.value = error
      }
      done.signal()
    }.start()
  }

  private static func serve(_ function: any NetworkFunction, by port: FunctionPort) throws {
    func open(_ function: some NetworkFunction) throws { try port.serve(function) }
    try open(function)
  }

  func counter(_ name: String) -> Int { Int(chain.function(Self.name)?.counters[name] ?? 0) }

  /// - Returns: what the function threw.
  func end() -> (any Error)? {
    chain.stop()
    done.wait()
    return failure.value
  }
}
