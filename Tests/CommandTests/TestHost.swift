import Foundation

/// Whether this machine can run what a test needs.
enum TestHost {
  /// Kernel tests need root; where MEDULLA_REQUIRE_KERNEL is 1 they run whatever the machine says, and fail.
  static var runsKernelTests: Bool {
    geteuid() == 0 || ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1"
  }
}
