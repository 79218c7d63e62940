import MedullaBase
import TestbedDemo
import TestbedLink

/// `medulla demo` as a program of its own, so that `make demo` builds nothing else.
@main
enum MedullaDemo {
  static func main() throws {
    StandardOutput.failWhereLost()
    if LinkWorker.isAsked { return try LinkWorker.serve() }
    DemoCommand.main()
  }
}
